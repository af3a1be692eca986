package snowflake

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

type bindingValue struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

// readBindings gives the values for one run of a statement, or for several where the client bound arrays.
func readBindings(b map[string]bindingValue) (single []Value, rows [][]Value, err error) {
	for i := range len(b) {
		v, ok := b[strconv.Itoa(i+1)]
		if !ok {
			return nil, nil, failf("002049", "42601", "SQL compilation error: bind variable %d not set", i+1)
		}
		var list []*string
		if len(v.Value) > 0 && v.Value[0] == '[' {
			if err := json.Unmarshal(v.Value, &list); err != nil {
				return nil, nil, fmt.Errorf("read bindings: %w", err)
			}
			for k, s := range list {
				if len(rows) <= k {
					rows = append(rows, make([]Value, len(b)))
				}
				if rows[k][i], err = binding(v.Type, s); err != nil {
					return nil, nil, err
				}
			}
			continue
		}
		var s *string
		if err := json.Unmarshal(v.Value, &s); err != nil {
			return nil, nil, fmt.Errorf("read bindings: %w", err)
		}
		x, err := binding(v.Type, s)
		if err != nil {
			return nil, nil, err
		}
		single = append(single, x)
	}
	return single, rows, nil
}

// binding reads one bound value as the driver writes it: times are nanoseconds, dates milliseconds since 1970.
func binding(kind string, s *string) (Value, error) {
	if s == nil {
		return Value{}, nil
	}
	nanos := func(k Kind) (Value, error) {
		if n, err := strconv.ParseInt(*s, 10, 64); err == nil {
			return TimestampValue(k, time.Unix(0, n).UTC()), nil
		}
		return TextValue(*s), nil
	}
	switch kind {
	case "FIXED":
		text, ok, fits := fitDecimal(*s, 38, min(scaleOf(*s), 37))
		if !ok || !fits {
			return Value{}, outOfRange(*s)
		}
		return NumberValue(text), nil
	case "REAL":
		return toFloat(TextValue(*s))
	case "BOOLEAN":
		return toBoolean(TextValue(*s))
	case "TIMESTAMP_NTZ":
		return nanos(KindTimestampNTZ)
	case "TIMESTAMP_LTZ":
		return nanos(KindTimestampLTZ)
	case "DATE":
		if n, err := strconv.ParseInt(*s, 10, 64); err == nil {
			return Value{Kind: KindDate, Int: floorDiv(n, 86400000)}, nil
		}
	case "BINARY":
		return timeFormats{}.convert(TextValue(*s), defaultType(KindBinary))
	}
	return TextValue(*s), nil
}
