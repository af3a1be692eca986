package row

// Stage names where a message failed.
type Stage string

// The stages at which a message can fail.
const (
	StageDecode    Stage = "decode"    // not JSON, not UTF-8, over a limit
	StageShape     Stage = "shape"     // JSON, but not an object
	StageValidate  Stage = "validate"  // schema violation
	StageTransform Stage = "transform" // a step failed
	StageLoad      Stage = "load"      // Snowflake refused the row
)

// Failure says why a message cannot become a row. It is a value, not an error of the connector: the stream goes on.
type Failure struct {
	Stage  Stage
	Reason string // lower case, says what is wrong and where: "invalid character '}' at byte 17"
	// Plain is Reason without the values that it quotes of the message; empty if it quotes none.
	Plain string
}

// Unquoted returns the reason without any value of the message. Keys of the message may stand in it, and of what is no
// JSON the character at fault.
func (f *Failure) Unquoted() string {
	if f.Plain != "" {
		return f.Plain
	}
	return f.Reason
}
