"""What the names of files and of their folders tell, or whoever brings the files says in their place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from arena.loading.said import said as _


@dataclass(frozen=True)
class Naming:
    """`judge` and `subset` are said for all the files; "" where their paths are to tell.

    `file` is the own name of a single file that lies under another one, in a folder that tells nothing, as an upload does;
    `beside` are those of the files that came in the same go.
    """

    judge: str = ""
    subset: str = ""
    file: str = ""
    beside: tuple[str, ...] = ()

    def name(self, path: Path) -> str:
        """The file's own name."""
        return self.file or path.name

    def stem(self, path: Path) -> str:
        """The file's own name without its ending, that of a packed file without both."""
        return Path(self.name(path).removesuffix(".gz")).stem

    def folders(self, path: Path) -> tuple[str, ...]:
        """The folders the file lies in, the outermost first, however its path was typed; () where they tell nothing."""
        if self.file:
            return ()
        folder = path.parent.absolute()
        return (folder.resolve() if ".." in folder.parts else folder).parts[1:]


def unknown(what: str, option: str, field: str) -> str:
    """What a problem says of a name that no path tells: `option` of the command gives it, or `field` of the form."""
    return _(
        "%(what)s is not known: on disk the folder tells it; --%(option)s says it, or “%(field)s” of an upload",
        what=what,
        option=option,
        field=field,
    )
