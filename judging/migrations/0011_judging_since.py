from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('judging', '0010_truncated_verdicts'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='judging_since',
            field=models.DateTimeField(blank=True, editable=False, help_text='when its latest go began to judge', null=True),
        ),
        migrations.AddField(
            model_name='submission',
            name='price',
            field=models.FloatField(blank=True, help_text='what it may cost at the most; empty: no price is known', null=True),
        ),
    ]
