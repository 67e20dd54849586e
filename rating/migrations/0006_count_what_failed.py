from django.db import migrations


def count_what_failed(apps, schema_editor):
    """Let the standing counts take in what failed: they hold it already, and did not know what it was."""
    for name in ('Preference', 'Grade'):
        held = apps.get_model('judging', name).objects.filter(counted=True)
        held.exclude(status__in=('ok', 'skipped')).update(counted=False)


class Migration(migrations.Migration):

    dependencies = [
        ('judging', '0009_sent_to_adjudicators'),
        ('rating', '0005_failed_verdicts'),
    ]

    operations = [
        migrations.RunPython(count_what_failed, migrations.RunPython.noop),
    ]
