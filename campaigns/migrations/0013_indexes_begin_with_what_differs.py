"""A score file's number is the same in all rows of its partition: an index that begins with it takes twice as long to build."""

from django.db import migrations

FORWARD = """
ALTER TABLE campaigns_fanscore DROP CONSTRAINT fanscore_pkey;
DROP INDEX fanscore_in_order;
ALTER TABLE campaigns_fanscore ADD CONSTRAINT fanscore_pkey PRIMARY KEY (global_user_id, score_file_id);
CREATE INDEX fanscore_in_order ON campaigns_fanscore (band_score DESC, luck DESC, global_user_id);
"""
BACKWARD = """
ALTER TABLE campaigns_fanscore DROP CONSTRAINT fanscore_pkey;
DROP INDEX fanscore_in_order;
ALTER TABLE campaigns_fanscore ADD CONSTRAINT fanscore_pkey PRIMARY KEY (score_file_id, global_user_id);
CREATE INDEX fanscore_in_order ON campaigns_fanscore (score_file_id, band_score DESC, luck DESC, global_user_id);
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0012_uploads_tried_first")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
