package duck

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"github.com/duckdb/duckdb-go/v2"
)

// The names of the functions that the rewritten queries call. Each takes JSON text.
const (
	fnGet  = "snowflake_get"  // (text, step, ...): the value behind the steps
	fnText = "snowflake_text" // a value as its cast to VARCHAR has it
	fnKind = "snowflake_typeof"
	fnKeys = "snowflake_object_keys"
	fnSize = "snowflake_array_size"
)

// register makes the functions known to the database of a connection, hence to all its connections.
func register(conn *sql.Conn) error {
	for name, run := range map[string]func(args []string) any{
		fnGet: func(args []string) any {
			value := args[0]
			for _, step := range args[1:] {
				var ok bool
				if value, ok = member(value, step); !ok {
					return nil
				}
			}
			return value
		},
		fnText: func(args []string) any {
			if args[0] == "null" {
				return nil
			}
			text, _ := unquote(args[0])
			return text
		},
		fnKind: func(args []string) any { return kindOf(args[0]) },
		fnKeys: func(args []string) any {
			if list, ok := keys(args[0]); ok {
				return list
			}
			return nil
		},
		fnSize: func(args []string) any {
			if n, ok := size(args[0]); ok {
				return n
			}
			return nil
		},
	} {
		result := duckdb.TYPE_VARCHAR
		if name == fnSize {
			result = duckdb.TYPE_BIGINT
		}
		if err := duckdb.RegisterScalarUDF(conn, name, &function{run: run, result: result}); err != nil {
			return fmt.Errorf("register %s: %w", name, err)
		}
	}
	return nil
}

// function is a scalar function of any number of texts; NULL in gives NULL out.
type function struct {
	run    func(args []string) any
	result duckdb.Type
}

// Config implements [duckdb.ScalarFunc].
func (f *function) Config() duckdb.ScalarFuncConfig {
	text, err := duckdb.NewTypeInfo(duckdb.TYPE_VARCHAR)
	if err != nil {
		panic(err) // only for types that need more than their name
	}
	result, err := duckdb.NewTypeInfo(f.result)
	if err != nil {
		panic(err)
	}
	return duckdb.ScalarFuncConfig{InputTypeInfos: []duckdb.TypeInfo{text}, VariadicTypeInfo: text, ResultTypeInfo: result}
}

// Executor implements [duckdb.ScalarFunc].
func (f *function) Executor() duckdb.ScalarFuncExecutor {
	return duckdb.ScalarFuncExecutor{RowContextExecutor: func(_ context.Context, values []driver.Value) (any, error) {
		args := make([]string, len(values))
		for i, v := range values {
			s, ok := v.(string)
			if !ok {
				return nil, fmt.Errorf("argument %d is %T, not text", i+1, v)
			}
			args[i] = s
		}
		return f.run(args), nil
	}}
}
