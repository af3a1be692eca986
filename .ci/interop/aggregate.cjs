// Makes a KPL aggregate of user records, and takes another one apart, through the npm package aws-kinesis-agg.
//
// Reads {"records": [{"partitionKey", "explicitHashKey", "data": base64}], "aggregate": base64} from its standard input, and
// writes {"generator", "aggregate": base64 of the records, "records": those of the aggregate that was given}.
'use strict';
const fs = require('fs');
const agg = require('aws-kinesis-agg');

const input = JSON.parse(fs.readFileSync(0, 'utf8'));
const aggregator = new agg.RecordAggregator();
for (const r of input.records) {
  const record = { partitionKey: r.partitionKey, data: Buffer.from(r.data || '', 'base64') };
  if (r.explicitHashKey) record.explicitHashKey = r.explicitHashKey;
  aggregator.addUserRecord(record);
}
const made = aggregator.build();

agg.deaggregateSync({ data: input.aggregate, partitionKey: 'a', sequenceNumber: '1' }, true, (err, records) => {
  if (err) throw err;
  process.stdout.write(JSON.stringify({
    generator: 'npm aws-kinesis-agg ' + require('aws-kinesis-agg/package.json').version,
    aggregate: made.data.toString('base64'),
    records: records.map((r) => ({ partitionKey: r.partitionKey, explicitHashKey: r.explicitPartitionKey, data: r.data })),
  }));
});
