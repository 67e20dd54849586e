from django.db import migrations, models

KEPT_OUT = models.CharField(
    blank=True,
    choices=[
        ('practice', 'practice'),
        ('gold', 'gold item'),
        ('repeat', 'hidden repeat'),
        ('adjudication', 'adjudication'),
        ('leak', 'an answer names its maker'),
        ('again', 'judged again beside the first verdict'),
    ],
    help_text='why ratings leave it out',
    max_length=12,
)


class Migration(migrations.Migration):

    dependencies = [
        ('judging', '0014_baselines_of_categories'),
    ]

    operations = [
        migrations.AlterField(
            model_name='run',
            name='trial',
            field=models.PositiveSmallIntegerField(
                default=0, help_text='above 0: asks anew what was judged; ratings leave it out'
            ),
        ),
        migrations.AlterField(
            model_name='run',
            name='cache',
            field=models.BooleanField(
                default=True,
                help_text='use what is on record again; false: ask every prompt anew, where it was judged as a trial',
            ),
        ),
        migrations.AlterField(model_name='grade', name='kept_out', field=KEPT_OUT),
        migrations.AlterField(model_name='preference', name='kept_out', field=KEPT_OUT),
    ]
