import django.db.models.deletion
from django.db import migrations, models


def model():
    return models.ForeignKey(
        db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+",
        to="arena.languagemodel",
    )  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("arena", "0002_roles")]

    operations = [
        migrations.AddField(model_name="battle", name="first_model", field=model()),
        migrations.AddField(model_name="battle", name="second_model", field=model()),
    ]
