from django.db import migrations, models
from django.db.models import Q


def count_what_failed(apps, schema_editor):
    """Let the standing counts take in what failed: they hold it already, and did not know what it was."""
    for name in ('Preference', 'Grade'):
        held = apps.get_model('judging', name).objects.filter(counted=True, superseded_at__isnull=True, kept_out='')
        held.filter(~Q(status__in=('ok', 'skipped'))).update(counted=False)


class Migration(migrations.Migration):

    dependencies = [
        ('judging', '0009_sent_to_adjudicators'),
        ('rating', '0004_languages_groupings_and_kinds_of_scores'),
    ]

    operations = [
        migrations.AddField(
            model_name='paircount',
            name='failed',
            field=models.IntegerField(default=0),
        ),
        migrations.AddField(
            model_name='scorecount',
            name='failed',
            field=models.IntegerField(default=0),
        ),
        migrations.AddField(
            model_name='rating',
            name='n_failed',
            field=models.PositiveIntegerField(help_text='verdicts of machines that would be in n and failed; none where that was not counted', null=True),
        ),
        migrations.RunPython(count_what_failed, migrations.RunPython.noop),
    ]
