"""The one settings file: read from the environment, working with none of it set.

JURYROOM_DATA       folder for the SQLite file and the secret key   (default: var/ beside manage.py)
DATABASE_URL        postgres://user:password@host:port/name         (default: SQLite in JURYROOM_DATA)
REDIS_URL           redis://host:port/0, for Celery and sockets     (default: inside the one process)
JURYROOM_HOSTS      host names the site answers to, with commas     (default: this machine only)
JURYROOM_URL        where the site is reached, for links in messages (default: from the first of JURYROOM_HOSTS)
JURYROOM_SECRET     the secret key                                  (default: made once, kept in JURYROOM_DATA)
JURYROOM_EMAIL_URL  smtp://user:password@host:port, for links to a new password (default: a lead makes such a link)
JURYROOM_EMAIL_FROM who such mail is from                           (default: juryroom@localhost)
JURYROOM_EMBED_ORIGINS  origins whose pages may frame a board, with commas: https://wiki.example  (default: none)
JURYROOM_HTTPS      1 behind HTTPS: cookies and redirects are secure
JURYROOM_DEBUG      1 while developing
"""

import os
import re
import secrets
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from kombu import Queue

# Our matrices are as small as boards are, and web and workers are threads themselves: with threads of its own the algebra of
# a board of 100 models takes four times as long on a busy machine, and its last digits depend on them.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("JURYROOM_DATA") or BASE_DIR / "var")
VERSION = "0.1.0"


def database_from(url: str) -> dict:
    """Django's settings for a postgres:// URL, or for SQLite in the data folder where there is none."""
    if not url:
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        return {
            "ENGINE": "arena.sqlite",
            "NAME": DATA_DIR / "juryroom.sqlite3",
            "OPTIONS": {
                "timeout": 20,
                # A deferred transaction that begins to write fails at once when another writes: take the lock first.
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise ImproperlyConfigured("DATABASE_URL must look like postgres://user:password@host:port/name")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        # Our pages ask for little at a time: a query compiled before it runs takes longer, whatever its plan is said to cost.
        # What is prepared (a vote's statements alone, see `arena.planning`) keeps its first plan: to plan anew takes ten times as long as to ask.
        "OPTIONS": {
            "pool": {"min_size": 1, "max_size": 16},
            "options": "-c jit=off -c plan_cache_mode=force_generic_plan",
        },
    }


def secret_key() -> str:
    """The secret key: from the environment, else made once and kept in the data folder."""
    if key := os.environ.get("JURYROOM_SECRET"):
        return key
    kept = DATA_DIR / "secret-key"
    if not kept.exists():
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    return kept.read_text()


def mail_from(url: str) -> dict:
    """Django's settings for an smtp:// or smtps:// URL; without one nothing is sent."""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
        raise ImproperlyConfigured("JURYROOM_EMAIL_URL must look like smtp://user:password@host:port")
    return {
        "EMAIL_HOST": parts.hostname or "",
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and parts.port == 587,
        "EMAIL_TIMEOUT": 20,
    }


def origins_from(text: str) -> list[str]:
    """The origins written with commas between them, each a scheme, a host and perhaps a port; nothing else gets into a header."""
    origins = [origin.strip().rstrip("/") for origin in text.split(",") if origin.strip()]
    for origin in origins:
        if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?", origin):
            raise ImproperlyConfigured(
                f"JURYROOM_EMBED_ORIGINS holds {origin!r}; https://host or https://host:port is meant"
            )
    return origins


def keys_from(text: str) -> dict[str, set[str]]:
    """Which keys may go to which hosts, written NAME@host or NAME@host:port with commas between; empty where nothing is."""
    keys: dict[str, set[str]] = {}
    for entry in filter(None, (entry.strip() for entry in text.split(","))):
        found = re.fullmatch(r"([A-Za-z_][A-Za-z0-9_]*)@([A-Za-z0-9.-]+(?::[0-9]+)?)", entry)
        if not found:  # whoever wrote a key here does not want to read it in a log
            raise ImproperlyConfigured("JURYROOM_KEYS: NAME@host is meant, with commas: OPENAI_API_KEY@api.openai.com")
        keys.setdefault(found[1], set()).add(found[2].lower())
    return keys


SECRET_KEY = secret_key()
EMBED_ORIGINS = origins_from(os.environ.get("JURYROOM_EMBED_ORIGINS", ""))
globals().update(mail_from(os.environ.get("JURYROOM_EMAIL_URL", "")))
KEYS = keys_from(os.environ.get("JURYROOM_KEYS", ""))
DEFAULT_FROM_EMAIL = os.environ.get("JURYROOM_EMAIL_FROM", "juryroom@localhost")
DEBUG = os.environ.get("JURYROOM_DEBUG") == "1"
HTTPS = os.environ.get("JURYROOM_HTTPS") == "1"
HOSTS = [host.strip() for host in os.environ.get("JURYROOM_HOSTS", "").split(",") if host.strip()]
NAMED_HOST = next((host for host in HOSTS if host.strip("*.") == host), "")
SITE_URL = os.environ.get("JURYROOM_URL", "").rstrip("/") or (
    f"http{'s' if HTTPS else ''}://{NAMED_HOST}" if NAMED_HOST else ""
)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *HOSTS]
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in HOSTS if host != "*"] if HTTPS else []
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 14 * 24 * 3600

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "arena.apps.ArenaConfig",
    "judging.apps.JudgingConfig",
    "rating.apps.RatingConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "arena.security.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "arena.frame.frame",
            ]
        },
    }
]
ROOT_URLCONF = "arena.urls"
ASGI_APPLICATION = "arena.asgi.application"
DATABASES = {"default": database_from(os.environ.get("DATABASE_URL", ""))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000  # a rubric of many dimensions, each with words for every level in two languages

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "arena" / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # no collectstatic step before the first page
WHITENOISE_MAX_AGE = 60 if not DEBUG else 0

REDIS_URL = os.environ.get("REDIS_URL", "")
CHANNEL_LAYERS = {
    "default": (
        {"BACKEND": "arena.redis_layer.RedisLayer", "CONFIG": {"hosts": [REDIS_URL]}}
        if REDIS_URL
        else {"BACKEND": "arena.live.ThreadSafeInMemoryLayer"}
    )
}
CACHES = {
    "default": (
        {"BACKEND": "arena.caching.PatientRedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "juryroom"}
        if REDIS_URL
        # Counts of failed sign-ins are kept here: the default of 300 entries could be flooded until they are forgotten.
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}}
    )
}
# With Redis all processes share what is kept of a session, so that no request asks the database for it.
SESSION_ENGINE = f"django.contrib.sessions.backends.{'cached_db' if REDIS_URL else 'db'}"
CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = {} if REDIS_URL else {"polling_interval": 0.01}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "celery"
# A worker takes from both, unless `-Q` tells it otherwise: models that run in the worker itself are judged and asked in "local".
CELERY_TASK_QUEUES = [Queue("celery"), Queue("local")]
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    # A look that comes too late is no use: the next one sees the same.
    "sweep": {"task": "judging.tasks.sweep", "schedule": 5.0, "options": {"expires": 5.0}},
    "refresh": {"task": "rating.tasks.refresh", "schedule": 10.0, "options": {"expires": 10.0}},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("JURYROOM_LOG", "WARNING")},
    # Who may not see a page is told so on the page: a 403 or 404 is no fault of the site.
    "loggers": {"django.request": {"level": "ERROR"}},
}
