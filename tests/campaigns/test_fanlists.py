import pytest
from campaigns import fanlists, scorefiles
from tests.builders import in_memory, make_campaign
pytestmark = pytest.mark.django_db(transaction=True)

def test_smoke():
    c = make_campaign()
    content = b"rank,email,global_user_id,note\n1,a@mail.example,fan-1,x\n2,\"b@mail.example\",fan-2,x\n5,\"b\nx\",fan-3,x\n4,d@mail.example,fan-4,\"say \"\"hi\"\"\"\n"
    r = fanlists.receive(c, "list-1", "ranks.csv", in_memory(content), by=None)
    sf = scorefiles.process(scorefiles.open_job(r.score_file, by=None).pk)
    from datalake import storage
    print(storage.scoring().open(sf.key).read().decode())
    print(storage.scoring().open(sf.rejected_key).read().decode())
    print(storage.scoring().open(sf.manifest_key).read().decode())
    print(sf.state, sf.rejected_by, sf.key, sf.ignored_columns, list(storage.scoring().list("fan")))
