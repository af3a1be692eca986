package snowflake

import (
	"errors"
	"fmt"
	"strings"

	sf "github.com/snowflakedb/gosnowflake/v2"
)

// Class says what an error calls for.
type Class string

// The classes.
const (
	// Permanent: somebody must change a grant, the configuration or an object. Retried slowly, never silently.
	Permanent Class = "permanent"
	// Retry: the statement did not take effect, the session is good.
	Retry Class = "retry"
	// Gone: the session is gone or in doubt; discard it, log in again, resolve what was under way.
	Gone Class = "session"
	// Lock: another transaction held the lock for longer than this session waits.
	Lock Class = "lock"
	// Drift: the table is not what the plan says: describe it, then fit the batch again.
	Drift Class = "drift"
	// Data: a row could not be loaded as it stands.
	Data Class = "data"
	// File: a staged file is missing: put it again.
	File Class = "file"
)

// Error is an error of a statement with its class and, where there is one, what to do about it.
type Error struct {
	Class     Class
	Code      int    // Snowflake's error number, 0 when it did not come from Snowflake
	Statement string // the first words of the statement
	Hint      string // what to do: the missing grant, the setting to check
	Err       error

	unlisted bool
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return scrub(fmt.Sprintf("%s: %v", e.Statement, e.Err))
	}
	return scrub(fmt.Sprintf("%s: %s: %s", e.Statement, strings.TrimSuffix(e.Err.Error(), "."), e.Hint))
}

func (e *Error) Unwrap() error { return e.Err }

// Unlisted reports whether Snowflake answered with an error whose cause is not known: an internal one, or one of a code that
// nobody listed.
func (e *Error) Unlisted() bool { return e.unlisted }

// ClassOf returns the class of an error that came out of this package; other errors count as [Gone], because
// nothing is known of what reached the server.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return Gone
}

// classify sorts an error of the driver. The reason stands beside each case; the codes are Snowflake's own.
func classify(stmt string, err error) error {
	if err == nil {
		return nil
	}
	out := &Error{Class: Gone, Statement: verb(stmt), Err: err}
	var e *sf.SnowflakeError
	if !errors.As(err, &e) {
		// A context that ended, a cut connection, a driver.ErrBadConn: the statement may have run.
		return out
	}
	out.Code = e.Number
	switch e.Number {
	case 390111, 390104, 390112, 390114, 390115:
		// The session or its master token has ended. The driver renews a session token (390112) by itself; it hands
		// 390114 back and keeps the dead connection.
	case 390144:
		out.Class = Permanent
		out.Hint = "check that the user's RSA_PUBLIC_KEY belongs to private_key_file, that account has no region suffix, and that this machine's clock is right"
	case 390100:
		out.Class = Permanent
		out.Hint = "check sink.user and the password; a user of TYPE = SERVICE cannot use one: give private_key_file"
	case 390422:
		out.Class = Permanent
		out.Hint = "this address is not allowed by a network policy: add it to the policy of the user or the account"
	case 390189:
		out.Class = Permanent
		out.Hint = "check sink.role, and GRANT ROLE it to sink.user"
	case 390201:
		out.Class = Permanent
		out.Hint = "check sink.database, sink.schema and sink.warehouse, and GRANT USAGE on each to the role"
	case 390191, 390303, 390309, 394400:
		out.Class = Permanent
		out.Hint = "check the token and that it belongs to sink.user"
	case 390318:
		// The OAuth token has expired; its file is read anew at the next login.
	case 390195, 390197:
		out.Class = Permanent
		out.Hint = "this user must use multi-factor authentication: use a user of TYPE = SERVICE with a key pair"
	case 606:
		out.Class = Permanent
		out.Hint = "check sink.warehouse, and GRANT USAGE ON WAREHOUSE it to the role"
	case 90073:
		out.Class = Permanent
		out.Hint = "the warehouse is suspended by its resource monitor: raise its quota, or name another in sink.warehouse"
	case 90105, 90106:
		out.Class = Permanent
		out.Hint = "check sink.database and sink.schema"
	case 604, 605:
		out.Class = Retry // cancelled, or not executing any more: it did not take effect
	case 625:
		out.Class = Lock // LOCK_TIMEOUT passed, or over 20 statements wait for the lock already
	case 630:
		out.Class = Retry // STATEMENT_TIMEOUT_IN_SECONDS passed: it did not take effect
	case 603:
		out.Class, out.unlisted = Gone, true // internal error: nothing is known of what it did
	case 904:
		out.Class = Drift // invalid identifier: a column of the plan is gone
	case 2003, 2043:
		out.Class, out.Hint = missingObject(stmt)
	case 3001:
		out.Class = Permanent
		out.Hint = grantFor(stmt)
	case 2108:
		out.Class = Permanent // a column cannot have this other type
	case 1003, 1011, 2019, 2300:
		out.Class = Permanent // does not compile: a fault of the connector or of a name
	case 100016, 100035, 100037, 100038, 100040, 100046, 100068, 100069, 100071, 100072, 100073, 100078, 100082, 100088, 100089, 100090:
		out.Class = Data // JSON, a cast, NULL in NOT NULL, a text too long
	case 100080:
		out.Class = Drift // the number of columns in the file does not match the table
	case 100026, 91016, 264001, 264002, 264003, 264004, 264005, 264006, 264007, 264008, 264009, 264010, 264011, 264012:
		if strings.HasPrefix(verb(stmt), "PUT") || e.Number >= 264001 {
			out.Class = Retry // transfer of a file: the next attempt puts it again
		} else {
			out.Class = File
		}
	case 1757, 2001, 2002:
		out.Class = Retry // the object exists already: another worker was first
	default:
		out.Class = unlisted(stmt, e)
		out.unlisted = out.Class != Permanent && (e.Number < 260000 || e.Number >= 270000) // those are the driver's own
	}
	if strings.Contains(e.Message, "was not found") && strings.Contains(e.Message, "file") {
		out.Class = File
	}
	return out
}

// unlisted sorts the errors that nobody listed. DDL that does not compile, or that the object or its data do not allow, had
// no effect and will have none. Numbers from 100000 on are those of data at work (Snowflake's number ranges, as far as
// they are known): of a COPY, a row is to blame, unless it turns out that every row meets the same.
func unlisted(stmt string, e *sf.SnowflakeError) Class {
	v := verb(stmt)
	switch {
	case strings.HasPrefix(v, "COPY") && e.Number >= 100000 && e.Number < 101000:
		return Data
	case strings.HasPrefix(v, "ALTER") || strings.HasPrefix(v, "CREATE"):
		for _, class := range []string{"0A", "22", "23", "42"} { // not supported, data, constraint, syntax or access
			if strings.HasPrefix(e.SQLState, class) {
				return Permanent
			}
		}
	}
	return Gone
}

// missingObject tells a dropped table from a missing grant as well as the text allows: Snowflake gives one code for
// both.
func missingObject(stmt string) (Class, string) {
	switch v := verb(stmt); {
	case strings.HasPrefix(v, "COPY"), strings.HasPrefix(v, "DESC"), strings.HasPrefix(v, "ALTER"):
		return Drift, ""
	case strings.HasPrefix(v, "CREATE"):
		return Permanent, "check sink.database and sink.schema, and GRANT USAGE on both, CREATE TABLE and CREATE STAGE on the schema to the role"
	case strings.HasPrefix(v, "PUT"), strings.HasPrefix(v, "LIST"), strings.HasPrefix(v, "REMOVE"):
		return Drift, "GRANT READ, WRITE on the stage to the role"
	default:
		return Permanent, "the table may have been dropped (UNDROP TABLE brings it back), or the role may lack SELECT, INSERT and UPDATE on it"
	}
}

// grantFor names the grant that a refused statement (003001) needs.
func grantFor(stmt string) string {
	words := strings.Fields(strings.Replace(stmt, "CREATE OR REPLACE", "CREATE", 1))
	second := ""
	if len(words) > 1 {
		second = strings.ToUpper(words[1])
	}
	switch strings.ToUpper(words[0]) {
	case "CREATE":
		return "GRANT CREATE " + second + " ON SCHEMA to the role"
	case "ALTER":
		return "GRANT OWNERSHIP ON TABLE to the role (only an owner may add columns), or add the columns yourself"
	case "COPY":
		return "GRANT INSERT ON TABLE and READ ON STAGE to the role"
	case "UPDATE", "INSERT", "DELETE", "SELECT":
		return "GRANT SELECT, INSERT, UPDATE, DELETE ON the $OFFSETS table to the role"
	case "PUT", "REMOVE", "LIST":
		return "GRANT READ, WRITE ON STAGE to the role"
	default:
		return "GRANT the privilege that the message names to the role"
	}
}

// verb is what an error calls the statement: its first words, without values.
func verb(stmt string) string {
	words := strings.Fields(stmt)
	switch {
	case len(words) == 0:
		return "log in to snowflake"
	case len(words) > 1 && strings.EqualFold(words[0], "CREATE"), len(words) > 1 && strings.EqualFold(words[0], "COPY"),
		len(words) > 1 && strings.EqualFold(words[0], "SHOW"), len(words) > 1 && strings.EqualFold(words[0], "ALTER"),
		len(words) > 1 && strings.EqualFold(words[0], "DESC"):
		return strings.ToUpper(words[0] + " " + words[1])
	default:
		return strings.ToUpper(words[0])
	}
}
