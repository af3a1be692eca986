package syntax

// The expressions.
type (
	// Null is NULL.
	Null struct{}
	// Number is a numeric literal as written.
	Number struct{ Text string }
	// String is a string literal.
	String struct{ Text string }
	// Bool is TRUE or FALSE.
	Bool struct{ Value bool }
	// Column is a column name of one to four parts.
	Column struct {
		Name Name
	}
	// Dollar is $1, with an alias before it where Table is set.
	Dollar struct {
		Table string
		N     int
	}
	// Bind is the question mark number N, from 0.
	Bind struct{ N int }
	// Star is * or t.*.
	Star struct{ Table string }
	// Call is a function call.
	Call struct {
		Name     string
		Args     []Expr
		Distinct bool
		Star     bool
		Over     *Window // of a window function
	}
	// Window is OVER (PARTITION BY ... ORDER BY ...).
	Window struct {
		Partition []Expr
		Order     []OrderItem
	}
	// Cast is x::TYPE, CAST(x AS TYPE) or TRY_CAST.
	Cast struct {
		X    Expr
		Type TypeName
		Try  bool
	}
	// Unary is NOT, - or +.
	Unary struct {
		Op string
		X  Expr
	}
	// Binary is an operator between two expressions: OR AND = <> < <= > >= + - * / % || LIKE ILIKE.
	Binary struct {
		Op   string
		L, R Expr
	}
	// In is x [NOT] IN (list or query).
	In struct {
		X      Expr
		List   []Expr
		Select *Select
		Not    bool
	}
	// IsNull is x IS [NOT] NULL.
	IsNull struct {
		X   Expr
		Not bool
	}
	// Exists is EXISTS (query).
	Exists struct{ Select *Select }
	// Scalar is a query as a value.
	Scalar struct{ Select *Select }
	// Case is CASE [x] WHEN .. THEN .. [ELSE ..] END.
	Case struct {
		X    Expr
		When []When
		Else Expr
	}
	// When is one branch of Case.
	When struct{ If, Then Expr }
	// Field is x:key or x:"key", and x.key behind it.
	Field struct {
		X   Expr
		Key string
	}
	// Index is x[i] or x['key'].
	Index struct{ X, I Expr }
)

func (Null) expr()    {}
func (Number) expr()  {}
func (String) expr()  {}
func (Bool) expr()    {}
func (*Column) expr() {}
func (*Dollar) expr() {}
func (*Bind) expr()   {}
func (*Star) expr()   {}
func (*Call) expr()   {}
func (*Cast) expr()   {}
func (*Unary) expr()  {}
func (*Binary) expr() {}
func (*In) expr()     {}
func (*IsNull) expr() {}
func (*Exists) expr() {}
func (*Scalar) expr() {}
func (*Case) expr()   {}
func (*Field) expr()  {}
func (*Index) expr()  {}
