"""An event may be from before the erasure of its fan. [X-11]"""


from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('demand', '0002_selected_events'),
    ]

    operations = [
        migrations.AlterField(
            model_name='errorfile',
            name='error_type',
            field=models.CharField(choices=[('not_utf8', 'Not UTF-8'), ('not_json', 'Not JSON'), ('too_large', 'Too large'), ('wrong_envelope', 'Not a change event'), ('missing_image', 'Missing image'), ('unknown_type', 'Unknown type'), ('invalid_field', 'Missing or invalid field'), ('invalid_date', 'Missing or invalid date'), ('erased', 'Fan was erased')], max_length=16),
        ),
    ]
