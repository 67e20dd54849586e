import django.db.models.deletion
from django.db import migrations, models


def model():
    return models.ForeignKey(
        db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+",
        to="arena.languagemodel",
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("arena", "0004_fill_models_of_battles")]

    operations = [
        migrations.AlterField(model_name="battle", name="first_model", field=model()),
        migrations.AlterField(model_name="battle", name="second_model", field=model()),
        migrations.AddIndex(
            model_name="battle",
            index=models.Index(fields=["question", "first_model", "second_model"], name="battles_as_columns"),
        ),
    ]
