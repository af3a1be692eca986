// Package standin is the roof over the local protocol servers that tests and the sandbox use in place of the
// services: Kinesis, DynamoDB and Snowflake.
//
// They share one rule: a stand-in refuses what the service refuses. Limits, throttles, expiries and lock waits are on
// unless a test turns them off, because a stand-in that is kinder than the service hides defects. Faults (errors,
// delays, cut connections) are injected here and never in the program under test.
package standin
