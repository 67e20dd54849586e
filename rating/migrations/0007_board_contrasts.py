import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('arena', '0012_all_roles'),
        ('rating', '0006_count_what_failed'),
    ]

    operations = [
        migrations.CreateModel(
            name='BoardContrasts',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=140)),
                ('method', models.CharField(choices=[('bt', 'Bradley–Terry'), ('elo', 'online Elo'), ('style', 'Bradley–Terry, style held equal'), ('score', 'mean score')], max_length=8)),
                ('language', models.CharField(blank=True, default='', max_length=12)),
                ('data', models.BinaryField(default=bytes)),
                ('category', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, to='arena.category')),
                ('same_as', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='rating.boardcontrasts')),
                ('snapshot', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='contrasts', to='rating.snapshot')),
            ],
            options={
                'indexes': [models.Index(fields=['snapshot', 'source', 'method', 'category'], name='contrasts_of_a_board')],
            },
        ),
    ]
