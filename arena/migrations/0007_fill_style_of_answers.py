from dataclasses import asdict

from django.db import migrations

from arena.style import FEATURES, style_of

AT_ONCE = 500


def fill(apps, schema_editor):
    """Give every answer its style, a batch at a time."""
    answer = apps.get_model("arena", "Answer")
    unknown = answer.objects.filter(length=None).order_by("pk").only("pk", "turns")
    while rows := list(unknown[:AT_ONCE]):
        for row in rows:
            for feature, value in asdict(style_of(row.turns)).items():
                setattr(row, feature, value)
        answer.objects.bulk_update(rows, FEATURES)


class Migration(migrations.Migration):
    dependencies = [("arena", "0006_style_of_answers")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
