// Package duck keeps the Snowflake stand-in's rows in DuckDB, and runs the queries that the stand-in's own evaluator does
// not know.
//
// A Snowflake table is two things in one DuckDB database. Its rows lie in a table of the schema "snowflake rows" that has only types
// which hold every value exactly: DECIMAL(38,s) for NUMBER, DOUBLE for FLOAT, text as written for VARIANT, OBJECT and
// ARRAY, whole seconds and nanoseconds for timestamps. A view "DB.SCHEMA"."TABLE" shows them with the types one would
// query: JSON, TIMESTAMP (in microseconds), DATE. All Snowflake databases share one DuckDB database, because a DuckDB
// transaction writes to one only.
//
// Numbers inside JSON never pass through DuckDB's JSON functions, which take decimals through a 64-bit float: paths
// such as col:key are read by functions of this package that cut the value out of the text.
//
// # Queries
//
// A SELECT in Snowflake's dialect is rewritten word by word (translate.go) and handed to DuckDB. Supported beside what the two
// have in common:
//
//   - unquoted names are folded to upper case, DB.SCHEMA.TABLE is found, quoted names are kept;
//   - col:key, col:"key", col:key.sub[0], GET(x, 'key'), GET(x, 0), GET_PATH(x, 'a.b'), also as an operand of = < > LIKE
//     beside a literal, and inside SUM and AVG;
//   - x::TYPE, CAST and TRY_CAST with Snowflake's type names; casts of JSON values take their text, exactly;
//   - IFF, NVL, NVL2, ZEROIFNULL, NULLIFZERO, DIV0, TO_VARCHAR, TO_CHAR, TO_NUMBER, TO_DOUBLE, TO_DATE, TO_TIMESTAMP_NTZ,
//     PARSE_JSON, TO_JSON, TO_VARIANT, ARRAY_SIZE, OBJECT_KEYS, TYPEOF, COUNT_IF, STARTSWITH, ENDSWITH, CHARINDEX,
//     EQUAL_NULL, BOOLOR_AGG, BOOLAND_AGG, RLIKE, DATEADD;
//   - WITH, window functions, QUALIFY, UNION, INTERSECT, EXCEPT, GROUP BY ALL and what else DuckDB shares.
//
// Not supported: FLATTEN, PIVOT with Snowflake's syntax, time travel, stages, sequences. DuckDB's refusal is then told
// as [snowflake.ErrUnsupported]. Sums of NUMBER stay exact; a quotient is a FLOAT.
package duck
