package table

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxCopyFiles is the most files that one COPY may name.
const MaxCopyFiles = 1000

// fileFormat names every option of the JSON format, because a stage or an account may carry other defaults.
// ALLOW_DUPLICATE: nested objects may repeat a name. STRIP_NULL_VALUES would shift the elements of an array.
const fileFormat = `TYPE = JSON COMPRESSION = ZSTD MULTI_LINE = FALSE TRIM_SPACE = FALSE NULL_IF = () ENABLE_OCTAL = FALSE` +
	` ALLOW_DUPLICATE = TRUE STRIP_OUTER_ARRAY = FALSE STRIP_NULL_VALUES = FALSE REPLACE_INVALID_CHARACTERS = FALSE` +
	` IGNORE_UTF8_ERRORS = FALSE SKIP_BYTE_ORDER_MARK = TRUE BINARY_FORMAT = HEX` +
	` DATE_FORMAT = '` + DateFormat + `' TIME_FORMAT = '` + TimeFormat + `' TIMESTAMP_FORMAT = '` + TimestampFormat + `'`

// CopyStatement returns the COPY that loads files of lines made by [AppendRow] under p, or under a plan that p extends.
// target is the table, qualified and quoted; stagePath is the folder of the files, such as @"DB"."SCHEMA"."STAGE"/a/,
// and ends in a slash, since COPY matches prefixes; files are names in it. stream is the constant part of the metadata.
// It returns an error for no files, or more than MaxCopyFiles.
func CopyStatement(target, stagePath string, files []string, p *Plan, stream string) (string, error) {
	switch {
	case len(files) == 0 || len(files) > MaxCopyFiles:
		return "", fmt.Errorf("copy %d files: one statement takes 1 to %d", len(files), MaxCopyFiles)
	case !strings.HasSuffix(stagePath, "/"):
		return "", fmt.Errorf("copy from %s: the path must end in a slash", stagePath)
	}
	var b strings.Builder
	b.WriteString("COPY INTO " + target + " (" + Quote(MetadataColumn) + ", " + Quote(RescuedColumn))
	for i := range p.columns {
		b.WriteString(", " + Quote(p.columns[i].Name))
	}
	b.WriteString(") FROM (SELECT " + metadataObject(stream) + ", " + element(lineRescued, variantType))
	for i := range p.columns {
		b.WriteString(", " + element(lineValues+i, p.columns[i].Type))
	}
	b.WriteString(" FROM " + Literal(stagePath) + ") FILES = (")
	for i, file := range files {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(Literal(file))
	}
	b.WriteString(") FILE_FORMAT = (" + fileFormat + ") ON_ERROR = ABORT_STATEMENT FORCE = TRUE")
	return b.String(), nil
}

// metadataObject is the value of KINESISMETADATA. OBJECT_CONSTRUCT leaves out a member whose value is NULL, so that
// 'row' is there only for records that can make several.
func metadataObject(stream string) string {
	integer := numberType
	return "OBJECT_CONSTRUCT('stream', " + Literal(stream) +
		", 'shardId', " + element(lineShard, varcharType) +
		", 'approximateArrival', " + element(lineArrival, varcharType) +
		", 'partitionKey', " + element(linePartitionKey, varcharType) +
		", 'sequenceNumber', " + element(lineSequence, varcharType) +
		", 'subSequenceNumber', " + element(lineSubsequence, integer) +
		", 'shardedSequenceNumber', " + element(lineSharded, varcharType) +
		", 'row', " + element(lineRow, integer) + ")"
}

// element is the expression for one element of a line. A cast turns JSON's null into SQL's; a VARIANT would keep it,
// and ARRAY might wrap it.
func element(i int, t Type) string {
	get := "GET($1, " + strconv.Itoa(i) + ")"
	switch t.Base {
	case Variant:
		return "NULLIF(" + get + ", PARSE_JSON('null'))"
	case Object, Array:
		return "NULLIF(" + get + ", PARSE_JSON('null'))::" + t.String()
	case Varchar:
		return get + "::VARCHAR" // its length was checked; a cast to VARCHAR(n) would cut
	default:
		return get + "::" + t.String()
	}
}
