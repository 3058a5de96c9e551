"""The messages of a wave are counted by blocks, again only where some have changed. [N-7]
"""

import django.db.models.deletion
from django.db import migrations, models

# 500 is waves.models.figures.BLOCK. Rows are only added, so no two senders wait for each other.
BLOCKS_ARE_MARKED = """
CREATE FUNCTION waves_send_marks_its_block() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO waves_figurechange (wave_id, block)
    SELECT DISTINCT wave_id, member_id / 500 FROM changed;
    RETURN NULL;
END $$;
CREATE TRIGGER send_added_marks_its_block AFTER INSERT ON waves_send
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION waves_send_marks_its_block();
CREATE TRIGGER send_changed_marks_its_block AFTER UPDATE ON waves_send
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION waves_send_marks_its_block();
CREATE TRIGGER send_deleted_marks_its_block AFTER DELETE ON waves_send
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION waves_send_marks_its_block();
"""
BLOCKS_ARE_NOT_MARKED = """
DROP TRIGGER send_added_marks_its_block ON waves_send;
DROP TRIGGER send_changed_marks_its_block ON waves_send;
DROP TRIGGER send_deleted_marks_its_block ON waves_send;
DROP FUNCTION waves_send_marks_its_block();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('waves', '0031_suppressed_contacts'),
    ]

    operations = [
        migrations.CreateModel(
            name='FigureBlock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('block', models.BigIntegerField()),
                ('counts', models.JSONField()),
                ('wave', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='waves.wave')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('wave', 'block'), name='figureblock_once')],
            },
        ),
        migrations.CreateModel(
            name='FigureChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('block', models.BigIntegerField()),
                ('wave', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='waves.wave')),
            ],
            options={
                'indexes': [models.Index(fields=['wave', 'block'], name='figurechange_of_wave')],
            },
        ),
        migrations.RunSQL(BLOCKS_ARE_MARKED, BLOCKS_ARE_NOT_MARKED),
    ]
