from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
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
    ]
