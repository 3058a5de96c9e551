from django.db import migrations


class Migration(migrations.Migration):
    """Payloads come compressed: PostgreSQL keeps them outside the row and does not try to compress them again."""

    dependencies = [("datalake", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE datalake_streambatch ALTER COLUMN payload SET STORAGE EXTERNAL",
            "ALTER TABLE datalake_streambatch ALTER COLUMN payload SET STORAGE EXTENDED",
        ),
    ]
