package ask

import (
	"fmt"
	"math/big"
	"strconv"
	"time"
)

// cell writes down what the driver made of column i.
func (a *Answer) cell(v any, i int) Cell {
	switch x := v.(type) {
	case nil:
		return Cell{}
	case []byte:
		return text(fmt.Sprintf("%X", x))
	case *big.Int:
		return text(x.String())
	case *big.Float:
		return text(x.Text('f', int(a.scales[i])))
	case float64:
		return text(strconv.FormatFloat(x, 'g', -1, 64))
	case time.Time:
		switch a.types[i] {
		case "DATE":
			return text(x.Format("2006-01-02"))
		case "TIME":
			return text(x.Format("15:04:05.999999999"))
		case "TIMESTAMP_NTZ":
			return text(x.Format("2006-01-02T15:04:05.999999999"))
		default:
			return text(x.Format("2006-01-02T15:04:05.999999999Z07:00"))
		}
	case string:
		if a.types[i] == "BOOLEAN" { // 1 or 0 on the wire
			return text(strconv.FormatBool(x == "1" || x == "true"))
		}
		return text(x)
	default:
		return text(fmt.Sprint(x))
	}
}

func text(s string) Cell { return Cell{String: s, Valid: true} }
