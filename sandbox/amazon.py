"""Amazon's services as one small server on this machine: moto's, in a process of its own, with the
buckets, queues, streams, table and catalog that the product's settings name. It forgets everything
when it ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fairwave import embedded, env
from sandbox.steps import StepFailed

REGION = "us-east-1"
ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "sandbox",
    "AWS_SECRET_ACCESS_KEY": "sandbox",
    "AWS_DEFAULT_REGION": REGION,
    # boto3 would look for a machine's role first
    "AWS_EC2_METADATA_DISABLED": "true",
}
SCORING, LAKE = "fairwave-scoring", "fairwave-lake"
GLUE_DATABASE = "fairwave"
EMAIL_QUEUE, ARCHIVE_QUEUE, VERDICT_QUEUE = "emails", "archives", "verdicts.fifo"
TASK_QUEUES = ("fairwave", "waves")
STREAMS, SHARDS = ("input", "save-selection", "scored", "fanlist-ranks"), 2
DEMAND_TABLE = "demand"


def fresh_folder(data: Path) -> Path:
    """An empty folder below FAIRWAVE_DATA for the rest of the presale: a database that names
    objects of an earlier server would be of no use. Raises StepFailed while another run is in it,
    and where the database is not ours to empty.
    """
    if env.text("DATABASE_URL"):
        raise StepFailed("--aws starts from an empty database of its own: unset DATABASE_URL.")
    folder = data / "aws"
    try:
        embedded.discard(folder)
    except embedded.EmbeddedServerError as error:
        raise StepFailed(str(error)) from error
    return folder


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """Every Amazon engine on: yields the environment that the product needs for it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.amazon"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a line for each request
        text=True,
        cwd=Path(__file__).parent.parent,
        env=os.environ | ACCOUNT,
    )
    assert process.stdin is not None  # noqa: S101 both are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        address = process.stdout.readline().strip()
        if not address:
            raise RuntimeError(f"Moto's server did not start; it ended with {process.wait()}.")
        yield ACCOUNT | {"AWS_ENDPOINT_URL": address} | set_up(address)
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


def set_up(address: str) -> dict[str, str]:
    """Make what the settings name, as an administrator of the account would; returns the
    settings.
    """
    import boto3

    session = boto3.Session(
        ACCOUNT["AWS_ACCESS_KEY_ID"], ACCOUNT["AWS_SECRET_ACCESS_KEY"], region_name=REGION
    )
    s3 = session.client("s3", endpoint_url=address)
    sqs = session.client("sqs", endpoint_url=address)
    glue = session.client("glue", endpoint_url=address)
    for bucket in (SCORING, LAKE):
        s3.create_bucket(Bucket=bucket)
    glue.create_database(DatabaseInput={"Name": GLUE_DATABASE})
    session.client("dynamodb", endpoint_url=address).create_table(
        TableName=DEMAND_TABLE,
        KeySchema=[{"AttributeName": "globalUserId", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "globalUserId", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for cluster in TASK_QUEUES:
        sqs.create_queue(QueueName=cluster)
    kinesis = session.client("kinesis", endpoint_url=address)
    for stream in STREAMS:
        kinesis.create_stream(StreamName=f"fairwave-{stream}", ShardCount=SHARDS)
    return {
        "STREAM_ENGINE": "kinesis",
        "TASK_BROKER": "sqs",
        "SCORING_BUCKET": f"s3://{SCORING}/presale",
        "CAMPAIGN_DATA_BUCKET": f"s3://{LAKE}/presale",
        "EMAIL_QUEUE": sqs.create_queue(QueueName=EMAIL_QUEUE)["QueueUrl"],
        "ARCHIVE_QUEUE": sqs.create_queue(QueueName=ARCHIVE_QUEUE)["QueueUrl"],
        "VERDICT_QUEUE": sqs.create_queue(
            QueueName=VERDICT_QUEUE, Attributes={"FifoQueue": "true"}
        )["QueueUrl"],
        "GLUE_DATABASE": GLUE_DATABASE,
        "DEMAND_TABLE": DEMAND_TABLE,
    }


def serve() -> None:
    """Serve on a free port until standard input ends, as it does when the parent is killed."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    print(f"http://{host}:{port}", flush=True)  # noqa: T201
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    serve()
