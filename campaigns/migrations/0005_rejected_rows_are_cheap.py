import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0004_codes_begin_with_plain_signs'),
    ]

    operations = [
        migrations.AlterField(
            model_name='rejectedrow',
            name='registration_import',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rejected_rows', to='campaigns.registrationimport'),
        ),
        migrations.AlterField(
            model_name='rejectedrow',
            name='score_file',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rejected_rows', to='campaigns.scorefile'),
        ),
        migrations.AddIndex(
            model_name='rejectedrow',
            index=models.Index(condition=models.Q(('registration_import__isnull', False)), fields=['registration_import', 'line'], name='rejectedrow_import'),
        ),
    ]
