from django.db import migrations, models

KEPT_OUT = models.CharField(
    blank=True,
    choices=[
        ('practice', 'practice'),
        ('gold', 'gold item'),
        ('repeat', 'hidden repeat'),
        ('adjudication', 'adjudication'),
        ('leak', 'an answer names its maker'),
        ('again', 'judged again to see drift'),
    ],
    help_text='why ratings leave it out',
    max_length=12,
)


class Migration(migrations.Migration):

    dependencies = [
        ('judging', '0012_sparse_pairs'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='trial',
            field=models.PositiveSmallIntegerField(
                default=0, help_text='above 0: asks anew what was judged, to see drift; ratings leave it out'
            ),
        ),
        migrations.AlterField(
            model_name='run',
            name='limits',
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text='questions, keys (of the only questions), anchors (ids of the only items), pairs, concurrency, overlap, samples',
            ),
        ),
        migrations.AlterField(model_name='grade', name='kept_out', field=KEPT_OUT),
        migrations.AlterField(model_name='preference', name='kept_out', field=KEPT_OUT),
    ]
