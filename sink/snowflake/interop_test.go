//go:build interop

package snowflake

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kinesis-snowflake/internal/row"
	"kinesis-snowflake/sink/table"
)

// hostile are names that tried to end a literal or an identifier, or to begin a comment, a variable or a placeholder.
var hostile = []string{
	"ORDERS", "orders", "it's", `say "x"`, `back\slash`, `end\`, `\'`, `'; DROP TABLE t; --`, `"; DROP TABLE t; --`, "-- x", "/* x", "a;b", "$1", "$$x$$", "?", ":1", "%s", "{{x}}", "&x",
	"ünïcødé", "日本語", "😀", "tab\there", "line\nbreak", "return\rhere", " ", "select", "NULL", "a.b", "a/b", "@stage", "'", `"`, `''`, `""`, strings.Repeat("é", 255),
}

// sqlText is one statement, with names that must be among its identifiers, and texts that must be among its literals.
type sqlText struct {
	SQL         string   `json:"sql"`
	Identifiers []string `json:"identifiers,omitempty"`
	Literals    []string `json:"literals,omitempty"`
	kind        string   // the type of Statement
}

func say(s Statement, identifiers, literals []string) sqlText {
	return sqlText{s.SQL(), identifiers, literals, reflect.TypeOf(s).Name()}
}

// emitted is every text that the connector can send to Snowflake, with hostile names wherever a name comes from outside.
func emitted(t *testing.T) []sqlText {
	t.Helper()
	var all []sqlText
	for _, s := range []Statement{Begin, Commit, Rollback, Ping, ShowLocks{}, ServerTime{}, CurrentTransaction{}, AbortTransaction{ID: 123}} {
		all = append(all, say(s, nil, nil))
	}
	for _, h := range hostile {
		target := Name{Database: h, Schema: h, Object: h}
		offsets := target.sibling(h + "$OFFSETS")
		at := row.Position{Sequence: "49590338271490256608559692538361571095921575989136588898", Subsequence: 3}
		own, stage := []string{h}, stagePath(target, h+"/") // the parser leaves a stage's path as it is written
		here, beside := []string{h}, []string{h, h + "$OFFSETS"}
		all = append(all,
			say(CreateOffsets{offsets, h}, beside, own),
			say(LockOffsets{Offsets: offsets, Mark: h, Within: h}, beside, own),
			say(SeekBatch{Offsets: offsets, Stream: h, BatchID: h}, beside, own),
			say(InsertOffsets{Offsets: offsets, Stream: h, Application: h, Shards: []string{h, "shardId-000000000000"}, Mark: h}, beside, own),
			say(BumpEpochs{Offsets: offsets, Stream: h, Owner: h, Shards: []string{h, "shardId-000000000000"}, By: 1, Mark: h}, beside, own),
			say(ResetOffsets{Offsets: offsets, Stream: h, Owner: h, Shards: []string{h, "shardId-000000000000"}}, beside, own),
			say(ReadOffsets{offsets, h}, beside, own),
			say(PresentRows{target, h, map[string][]string{h: {at.Sequence, "4959"}, "shardId-000000000000": {at.Sequence}}}, here, append([]string{at.Sequence}, own...)),
			say(MoveOffsets{Offsets: offsets, Stream: h, BatchID: h, Within: h, Moves: []Move{{Shard: h, Epoch: 1, To: at, Rows: 5}, {Shard: "shardId-000000000000", Epoch: 2, From: at, To: at, Rows: 1}}}, beside, own),
			say(CreateStage{target}, here, nil),
			say(PutFile{"/spool/" + h + ".json.zst", target, h + "/"}, nil, []string{"file:///spool/" + h + ".json.zst", stage}),
			say(ListFiles{target, h + "/"}, nil, []string{stage}),
			say(RemoveFile{target, h + "/"}, nil, nil),
			say(DescribeTable{target}, here, nil),
			say(Text(table.CreateTable(target.String(), []table.Column{{Name: table.MetadataColumn, Type: table.ParseType("OBJECT")}, {Name: h, Type: table.ParseType("VARIANT")}}, h)), here, own),
			say(Text(table.DropNotNull(target.String(), h)), here, nil))
	}
	return append(all, ofColumns(t)...)
}

// ofColumns is what the connector says of a table with every type of column, under hostile names.
func ofColumns(t *testing.T) []sqlText {
	t.Helper()
	kinds := []string{
		"NUMBER(38,0)", "NUMBER(12,2)", "FLOAT", "BOOLEAN", "VARCHAR", "VARCHAR(3)", "VARCHAR(3) COLLATE 'en-ci'", "BINARY(8)", "DATE", "TIME(9)", "TIMESTAMP_NTZ(9)", "TIMESTAMP_LTZ(9)", "TIMESTAMP_TZ(9)", "VARIANT",
		"OBJECT", "ARRAY",
	}
	var names []string
	columns := []table.Column{{Name: table.MetadataColumn, Type: table.ParseType("OBJECT")}, {Name: table.RescuedColumn, Type: table.ParseType("VARIANT")}}
	keys, seen := row.NewKeys(), &table.Observation{}
	record := &row.Row{}
	for i := range max(len(hostile), len(kinds)) {
		name, ok := table.ColumnName(hostile[i%len(hostile)])
		if !ok || slices.ContainsFunc(columns, func(c table.Column) bool { return c.Name == name }) {
			continue
		}
		names = append(names, name)
		columns = append(columns, table.Column{Name: name, Type: table.ParseType(kinds[i%len(kinds)])})
		record.Fields = append(record.Fields, row.Field{Key: keys.Intern([]byte(name)), Kind: row.Int, Name: []byte(name), Value: []byte("1")})
	}
	seen.Add(record)
	plan, err := table.NewPlan(table.Config{Keys: keys}, columns, seen, nil)
	if err != nil {
		t.Fatal(err)
	}
	target := Name{Database: "RAW", Schema: "KINESIS", Object: `O"R'D`}
	folder := "@" + target.String() + "/it's/"
	files := []string{"b-1.json.zst", `it's\.json.zst`}
	text, err := table.CopyStatement(target.String(), folder, files, plan, `or'ders\`)
	if err != nil {
		t.Fatal(err)
	}
	named := append([]string{target.Object}, names...)
	spoken := slices.Clone(columns)
	for i := range spoken {
		spoken[i].NotNull, spoken[i].Comment = i%2 == 0, `it's\`
	}
	wide := table.Column{Name: names[0], Type: table.ParseType("VARCHAR(16)")}
	beside := target.String()[:len(target.String())-1] + `$LATEST"`
	byColumns, ok := table.Latest(&table.Config{}, beside, target.String(), columns, names[:2])
	byRecord, also := table.Latest(&table.Config{Variant: true}, beside, target.String(), []table.Column{{Name: table.MetadataColumn}, {Name: table.RecordColumn}}, []string{"it's", `a"b\`})
	if !ok || !also {
		t.Fatal("no view")
	}
	return []sqlText{
		say(Text(table.CreateTable(target.String(), spoken, "it's")), named, []string{"it's", `it's\`}),
		say(Text(table.AddColumns(target.String(), spoken[2:])), named, []string{`it's\`}),
		say(Text(table.SetType(target.String(), wide)), []string{target.Object, names[0]}, nil),
		say(Text(byColumns.Create), append([]string{target.Object + "$LATEST"}, named...), []string{byColumns.Comment}),
		say(Text(byRecord.Create), []string{target.Object + "$LATEST", table.RecordColumn}, []string{byRecord.Comment, "it's", `a"b\`}),
		say(Text("SHOW VIEWS LIKE "+table.Literal("it's$LATEST")+" IN SCHEMA "+table.Quote("RAW")+"."+table.Quote("KINESIS")), nil, nil),
		say(Text(text), named, append(files, `or'ders\`)), say(Text(table.CreateTable(target.String(), columns, "it's")), named, []string{"it's"}),
		say(Text(table.AddColumns(target.String(), columns[2:])), named, nil),
	}
}

// TestInteropParse has a parser of Snowflake's dialect by others read every text.
func TestInteropParse(t *testing.T) {
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	left := statementTypes(t)
	for _, text := range emitted(t) {
		delete(left, text.kind)
		if err := enc.Encode(text); err != nil {
			t.Fatal(err)
		}
	}
	if len(left) > 0 {
		t.Fatalf("statements that nobody has parsed: %v", slices.Sorted(maps.Keys(left)))
	}
	cmd := exec.CommandContext(t.Context(), os.Getenv("INTEROP_PYTHON"), filepath.Join(os.Getenv("INTEROP_SCRIPTS"), "parse.py"))
	cmd.Stdin = &lines
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

// statementTypes is every type of the package with a method SQL.
func statementTypes(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "SQL" && f.Recv != nil {
				if of, ok := f.Recv.List[0].Type.(*ast.Ident); ok {
					types[of.Name] = true
				}
			}
		}
	}
	return types
}
