from django.db import migrations, models


def count(help_text=""):
    return models.PositiveIntegerField(null=True, editable=False, help_text=help_text)


class Migration(migrations.Migration):
    dependencies = [("arena", "0005_every_battle_has_its_models")]

    operations = [
        migrations.AddField("answer", "length", count("characters, over all turns")),
        migrations.AddField("answer", "headers", count()),
        migrations.AddField("answer", "lists", count("list items")),
        migrations.AddField("answer", "bold", count("bold passages")),
    ]
