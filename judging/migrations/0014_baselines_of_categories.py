from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('judging', '0013_trials_of_runs'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='baselines',
            field=models.JSONField(blank=True, default=dict, help_text='baselines of categories, where they have one of their own: {category: model}, by id'),
        ),
    ]
