package snowflake

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Statement types as the service numbers them (JDBC driver, SFStatementType).
const (
	typeSelect   = 0x1000
	typeInsert   = 0x3100
	typeUpdate   = 0x3200
	typeDelete   = 0x3300
	typeCopy     = 0x3600
	typeShow     = 0x4400
	typeDescribe = 0x4500
	typeList     = 0x4701
	typeTCL      = 0x5000
	typeDDL      = 0x6000
	typeRemove   = 0x7103
)

// answer is a statement's result.
type answer struct {
	kind    int
	columns []Column
	rows    [][]Value
	upload  object // the answer to PUT
}

func textColumn(name string) Column { return Column{Name: name, Type: defaultType(KindVarchar)} }

func numberColumn(name string) Column {
	return Column{Name: name, Type: Type{Kind: KindNumber, Precision: 19}, NotNull: true}
}

func nullableNumber(name string) Column {
	return Column{Name: name, Type: Type{Kind: KindNumber, Precision: 19}}
}

func status(kind int, format string, args ...any) *answer {
	return &answer{kind: kind, columns: []Column{textColumn("status")}, rows: [][]Value{{TextValue(fmt.Sprintf(format, args...))}}}
}

// counts answers a DML statement: one row of numbers, from which the driver sums RowsAffected.
func counts(kind int, pairs ...any) *answer {
	a := &answer{kind: kind, rows: [][]Value{nil}}
	for i := 0; i < len(pairs); i += 2 {
		a.columns = append(a.columns, numberColumn(pairs[i].(string)))
		a.rows[0] = append(a.rows[0], IntValue(int64(pairs[i+1].(int))))
	}
	return a
}

var wireTypes = [...]string{
	KindNull: "text", KindNumber: "fixed", KindFloat: "real", KindBoolean: "boolean", KindVarchar: "text", KindBinary: "binary", KindVariant: "variant", KindObject: "object",
	KindArray: "array", KindDate: "date", KindTime: "time", KindTimestampNTZ: "timestamp_ntz", KindTimestampLTZ: "timestamp_ltz", KindTimestampTZ: "timestamp_tz",
}

// wire is the answer as the driver reads it.
func (a *answer) wire(rq *request) object {
	types := make([]object, len(a.columns))
	for i, c := range a.columns {
		t := object{"name": c.Name, "type": wireTypes[c.Type.Kind], "nullable": !c.NotNull, "scale": c.Type.Scale, "precision": c.Type.Precision, "length": 0, "byteLength": 0}
		if n := c.Type.Length; n > 0 || c.Type.Kind == KindNull {
			t["length"], t["byteLength"] = n, min(n*4, max(n, MaxVarchar))
		}
		types[i] = t
	}
	rows := make([][]*string, len(a.rows))
	for i, r := range a.rows {
		rows[i] = make([]*string, len(r))
		for k, v := range r {
			if !v.IsNull() {
				s := wireText(v, a.columns[k].Type)
				rows[i][k] = &s
			}
		}
	}
	se := rq.session
	return object{
		"rowtype": types, "rowset": rows, "total": len(rows), "returned": len(rows), "queryId": rq.query, "sqlState": "00000", "statementTypeId": a.kind,
		"queryResultFormat": "json", "version": 1, "arrayBindSupported": a.kind == typeInsert, "databaseProvider": nil,
		"finalDatabaseName": se.database, "finalSchemaName": se.schema, "finalWarehouseName": se.warehouse, "finalRoleName": se.role,
		"parameters": []object{{"name": "TIMEZONE", "value": se.parameter("TIMEZONE")}, {"name": "AUTOCOMMIT", "value": se.flag("AUTOCOMMIT")}},
	}
}

func wireText(v Value, t Type) string {
	switch v.Kind {
	case KindFloat:
		return formatFloat(v.Float())
	case KindBoolean:
		return strconv.FormatInt(v.Int, 10)
	case KindBinary:
		return strings.ToUpper(hex.EncodeToString([]byte(v.Text)))
	case KindDate:
		return strconv.FormatInt(v.Int, 10)
	case KindTime:
		return fmt.Sprintf("%d.%09d", v.Int/1e9, v.Int%1e9)
	case KindTimestampNTZ, KindTimestampLTZ, KindTimestampTZ:
		s := seconds(v)
		if v.Kind == KindTimestampTZ {
			s += " " + strconv.Itoa(int(v.Offset)+1440)
		}
		return s
	}
	return v.Text
}

// seconds writes an instant as a decimal number of seconds since 1970, which is negative before.
func seconds(v Value) string {
	if v.Int < 0 && v.Nanos > 0 {
		whole := v.Int + 1
		sign := ""
		if whole == 0 {
			sign = "-"
		}
		return fmt.Sprintf("%s%d.%09d", sign, whole, 1_000_000_000-int(v.Nanos))
	}
	return fmt.Sprintf("%d.%09d", v.Int, v.Nanos)
}
