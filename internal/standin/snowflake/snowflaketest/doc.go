// Package snowflaketest holds the rules that a stand-in for Snowflake must keep, told through the real driver: what the service
// refuses must be refused, and what it counts must be counted. [Run] runs them against any server, whatever engine is behind it.
//
// Each rule names its source. Where the source is "gosnowflake v2.1.0", the rule is what the driver needs to see.
package snowflaketest
