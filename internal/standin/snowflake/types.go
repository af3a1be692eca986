package snowflake

import "kinesis-snowflake/internal/standin/snowflake/syntax"

// resolveType turns a written type into a column type, with the service's defaults (Snowflake docs, "Summary of data
// types"). mapping is the session's TIMESTAMP_TYPE_MAPPING.
func resolveType(t syntax.TypeName, mapping string) (Type, error) {
	arg := func(i, def, low, high int) (int, error) {
		if i >= len(t.Args) {
			return def, nil
		}
		if n := t.Args[i]; n >= low && n <= high {
			return n, nil
		}
		return 0, compileError("invalid value %d for type %s", t.Args[i], t.Name)
	}
	scaled := func(k Kind) (Type, error) {
		s, err := arg(0, 9, 0, 9)
		return Type{Kind: k, Scale: s}, err
	}
	switch t.Name {
	case "NUMBER", "DECIMAL", "NUMERIC", "DEC":
		p, err := arg(0, 38, 1, 38)
		if err != nil {
			return Type{}, err
		}
		s, err := arg(1, 0, 0, min(p, 37))
		return Type{Kind: KindNumber, Precision: p, Scale: s}, err
	case "INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT":
		return Type{Kind: KindNumber, Precision: 38}, nil
	case "FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "REAL":
		return Type{Kind: KindFloat}, nil
	case "BOOLEAN", "BOOL":
		return Type{Kind: KindBoolean}, nil
	case "VARCHAR", "STRING", "TEXT", "NVARCHAR":
		n, err := arg(0, MaxVarchar, 1, MaxVariant)
		return Type{Kind: KindVarchar, Length: n}, err
	case "CHAR", "CHARACTER", "NCHAR":
		n, err := arg(0, 1, 1, MaxVariant)
		return Type{Kind: KindVarchar, Length: n}, err
	case "BINARY", "VARBINARY":
		n, err := arg(0, 8388608, 1, 67108864)
		return Type{Kind: KindBinary, Length: n}, err
	case "VARIANT":
		return Type{Kind: KindVariant}, nil
	case "OBJECT":
		return Type{Kind: KindObject}, nil
	case "ARRAY":
		return Type{Kind: KindArray}, nil
	case "DATE":
		return Type{Kind: KindDate}, nil
	case "TIME":
		return scaled(KindTime)
	case "TIMESTAMP":
		switch mapping {
		case "TIMESTAMP_LTZ":
			return scaled(KindTimestampLTZ)
		case "TIMESTAMP_TZ":
			return scaled(KindTimestampTZ)
		}
		return scaled(KindTimestampNTZ)
	case "TIMESTAMP_NTZ", "TIMESTAMPNTZ", "DATETIME":
		return scaled(KindTimestampNTZ)
	case "TIMESTAMP_LTZ", "TIMESTAMPLTZ":
		return scaled(KindTimestampLTZ)
	case "TIMESTAMP_TZ", "TIMESTAMPTZ":
		return scaled(KindTimestampTZ)
	}
	return Type{}, compileError("Unsupported data type '%s'.", t.Name)
}

// defaultType is the type of a kind with nothing in brackets.
func defaultType(k Kind) Type {
	t := Type{Kind: k}
	switch k {
	case KindNumber:
		t.Precision = 38
	case KindVarchar:
		t.Length = MaxVarchar
	case KindBinary:
		t.Length = 8388608
	case KindTime, KindTimestampNTZ, KindTimestampLTZ, KindTimestampTZ:
		t.Scale = 9
	}
	return t
}

func isTimestamp(k Kind) bool {
	return k == KindTimestampNTZ || k == KindTimestampLTZ || k == KindTimestampTZ
}
