package snowflake

import (
	"fmt"
	"regexp"
	"strings"

	"kinesis-snowflake/internal/standin/snowflake/syntax"
)

type copyFormat struct {
	compression                                      string
	multiLine, allowDuplicate, stripOuter, stripNull bool
	nullIf                                           []string
	dateFormat, timeFormat, timestampFormat          string
	formats                                          timeFormats
}

type copyOptions struct {
	files   []string
	named   bool
	pattern *regexp.Regexp
	force   bool
	purge   bool
	format  copyFormat
}

func boolOption(o syntax.Option) (bool, error) {
	if len(o.Values) == 1 {
		switch strings.ToUpper(o.Values[0]) {
		case "TRUE":
			return true, nil
		case "FALSE":
			return false, nil
		}
	}
	return false, compileError("invalid value %v for parameter '%s'", o.Values, o.Name)
}

func (st *execution) copyOptions(c *syntax.Copy) (copyOptions, error) {
	var out copyOptions
	out.format = copyFormat{compression: "AUTO", multiLine: true, formats: st.formats}
	typed := false
	for _, o := range c.Options {
		var err error
		switch o.Name {
		case "FILES":
			out.files, out.named = o.Values, true
			if len(o.Values) > maxCopyFiles {
				err = compileError("number of files in FILES exceeds the limit of %d", maxCopyFiles)
			}
		case "PATTERN":
			if out.pattern, err = regexp.Compile("^(?:" + strings.Join(o.Values, "") + ")$"); err != nil {
				err = compileError("invalid pattern")
			}
		case "FORCE":
			out.force, err = boolOption(o)
		case "PURGE":
			out.purge, err = boolOption(o)
		case "ON_ERROR":
			if len(o.Values) != 1 || !strings.EqualFold(o.Values[0], "ABORT_STATEMENT") {
				err = fmt.Errorf("%w: ON_ERROR other than ABORT_STATEMENT", ErrUnsupported)
			}
		case "FILE_FORMAT":
			typed = true
			err = out.format.read(o.Options)
		case "ENFORCE_LENGTH", "TRUNCATECOLUMNS", "LOAD_UNCERTAIN_FILES", "RETURN_FAILED_ONLY", "SIZE_LIMIT":
		case "MATCH_BY_COLUMN_NAME":
			switch {
			case len(o.Values) == 1 && strings.EqualFold(o.Values[0], "NONE"):
			case c.Items != nil:
				err = failf("002300", "0A000", "SQL compilation error:\nmatch_by_column_name is not supported with copy transform.")
			default:
				err = fmt.Errorf("%w: MATCH_BY_COLUMN_NAME", ErrUnsupported)
			}
		default:
			err = compileError("invalid parameter '%s'", o.Name)
		}
		if err != nil {
			return out, err
		}
	}
	if !typed {
		return out, fmt.Errorf("%w: COPY of anything but TYPE = JSON", ErrUnsupported)
	}
	out.format.formats = out.format.times(st.formats)
	return out, nil
}

// read takes the options of TYPE = JSON (Snowflake docs, "CREATE FILE FORMAT") and refuses any other.
func (f *copyFormat) read(opts []syntax.Option) error {
	kind := strings.ToUpper(optionText(opts, "TYPE"))
	if kind != "JSON" {
		return fmt.Errorf("%w: COPY of TYPE = %s", ErrUnsupported, kind)
	}
	for _, o := range opts {
		var err error
		switch o.Name {
		case "TYPE":
		case "COMPRESSION":
			f.compression = strings.ToUpper(strings.Join(o.Values, ""))
			switch f.compression {
			case "AUTO", "GZIP", "ZSTD", "NONE":
			case "BZ2", "BROTLI", "DEFLATE", "RAW_DEFLATE":
				err = fmt.Errorf("%w: COMPRESSION = %s", ErrUnsupported, f.compression)
			default:
				err = compileError("invalid value [%s] for parameter 'COMPRESSION'", f.compression)
			}
		case "MULTI_LINE":
			f.multiLine, err = boolOption(o)
		case "ALLOW_DUPLICATE":
			f.allowDuplicate, err = boolOption(o)
		case "STRIP_OUTER_ARRAY":
			f.stripOuter, err = boolOption(o)
		case "STRIP_NULL_VALUES":
			f.stripNull, err = boolOption(o)
		case "NULL_IF":
			f.nullIf = o.Values
		case "DATE_FORMAT":
			f.dateFormat = strings.Join(o.Values, "")
		case "TIME_FORMAT":
			f.timeFormat = strings.Join(o.Values, "")
		case "TIMESTAMP_FORMAT":
			f.timestampFormat = strings.Join(o.Values, "")
		case "TRIM_SPACE", "ENABLE_OCTAL", "REPLACE_INVALID_CHARACTERS", "IGNORE_UTF8_ERRORS":
			var on bool
			if on, err = boolOption(o); on {
				err = fmt.Errorf("%w: %s = TRUE", ErrUnsupported, o.Name)
			}
		case "SKIP_BYTE_ORDER_MARK":
			_, err = boolOption(o)
		case "BINARY_FORMAT", "FILE_EXTENSION":
		default:
			err = compileError("invalid parameter '%s' for file format type JSON", o.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *copyFormat) times(t timeFormats) timeFormats {
	for _, p := range []struct {
		from string
		to   *string
	}{{f.dateFormat, &t.date}, {f.timeFormat, &t.time}, {f.timestampFormat, &t.timestamp}} {
		if p.from != "" {
			*p.to = p.from
		}
	}
	return t
}
