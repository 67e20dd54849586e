"""Seats with a vote hold their item, as they did before it was written down."""

from django.db import migrations


def hold(apps, schema_editor):
    apps.get_model("judging", "Assignment").objects.filter(status="done").update(holds=True)


class Migration(migrations.Migration):
    dependencies = [("judging", "0005_workbench")]
    operations = [migrations.RunPython(hold, migrations.RunPython.noop)]
