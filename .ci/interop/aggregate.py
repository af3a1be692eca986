"""Makes a KPL aggregate of user records, and takes another one apart, through the PyPI package aws_kinesis_agg.

Reads {"records": [{"partitionKey", "explicitHashKey", "data": base64}], "aggregate": base64} from its standard input, and
writes {"generator", "aggregate": base64 of the records, "records": those of the aggregate that was given}.
"""

import base64
import importlib.metadata
import json
import sys

from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import deaggregate_records


def make(records):
    aggregator = RecordAggregator()
    for r in records:
        if aggregator.add_user_record(r["partitionKey"], base64.b64decode(r.get("data") or ""), r.get("explicitHashKey") or None):
            raise ValueError("the records do not fit one aggregate")
    return aggregator.clear_and_get().get_contents()[2]


def take_apart(aggregate):
    record = {"kinesisSchemaVersion": "1.0", "sequenceNumber": "1", "approximateArrivalTimestamp": 0, "partitionKey": "a", "data": aggregate}
    for r in deaggregate_records([{"kinesis": record}]):
        k = r["kinesis"]
        yield {"partitionKey": k["partitionKey"], "explicitHashKey": k["explicitHashKey"], "data": k["data"].decode()}


def main():
    given = json.load(sys.stdin)
    json.dump(
        {
            "generator": "PyPI aws_kinesis_agg " + importlib.metadata.version("aws_kinesis_agg"),
            "aggregate": base64.b64encode(make(given["records"])).decode(),
            "records": list(take_apart(given["aggregate"])),
        },
        sys.stdout,
    )


main()
