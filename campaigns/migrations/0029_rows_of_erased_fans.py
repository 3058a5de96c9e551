"""A row may be rejected because its fan was erased. [X-11]"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0028_files_publish_their_registrants'),
    ]

    operations = [
        migrations.AlterField(
            model_name='rejectedregistration',
            name='reason',
            field=models.CharField(choices=[('malformed_row', 'Unreadable row'), ('missing_user_id', 'No fan id'), ('duplicate', 'Duplicate of an earlier row'), ('erased', 'Fan was erased'), ('invalid_score', 'Score is not a number from 0 to 1'), ('blacklisted_email', 'Address is on the blacklist'), ('blacklisted_domain', 'Domain is on the blacklist'), ('disposable_domain', 'Disposable e-mail domain'), ('intl_phone', 'International phone number'), ('no_contact', 'No usable contact'), ('shared_contact', 'Contact shared by too many fans'), ('below_minimum_score', 'Score below the minimum'), ('outside_window', 'Outside the registration window'), ('unknown_market', 'Unknown market'), ('superseded', 'Replaced by a newer registration')], max_length=24),
        ),
    ]
