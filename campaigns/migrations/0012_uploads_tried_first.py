from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("campaigns", "0009_arrivals"),
    ]

    operations = [
        migrations.AddField(
            model_name="arrival",
            name="try_first",
            field=models.BooleanField(default=False, help_text="A dry run comes first, and a person decides then"),
        ),
    ]
