from django.db import migrations
from django.db.models import OuterRef, Subquery


def fill(apps, schema_editor):
    """Give every battle the models of its answers. One update."""
    battle, answer = apps.get_model("arena", "Battle"), apps.get_model("arena", "Answer")

    def author(side):
        return Subquery(answer.objects.filter(pk=OuterRef(side)).values("model")[:1])

    battle.objects.update(first_model=author("first"), second_model=author("second"))


class Migration(migrations.Migration):
    dependencies = [("arena", "0003_models_of_a_battle")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
