package snowflaketest

import (
	"testing"
	"testing/synctest"
)

// Run runs all rules against servers that make gives.
func Run(t *testing.T, make NewServer) {
	t.Setenv("SNOWFLAKE_DISABLE_PLATFORM_DETECTION", "true")
	for _, r := range []struct {
		name string
		rule func(*testing.T, NewServer)
	}{
		{"connector statements", connectorStatements},
		{"rows by their metadata", presence},
		{"logins", logins},
		{"tokens", tokens},
		{"closing a session", closing},
		{"slow statements", slowStatements},
		{"cancelled statements", cancels},
		{"isolation", isolation},
		{"locks", locks},
		{"too many waiters", waiters},
		{"vanished clients", vanished},
		{"names", names},
		{"definitions", definitions},
		{"queries", queries},
		{"windows", windows},
		{"views", views},
		{"binds", binds},
		{"warehouses and grants", warehouses},
		{"casts", casts},
		{"loads", loads},
		{"stages", stages},
	} {
		t.Run(r.name, func(t *testing.T) { r.rule(t, make) })
	}
	// The driver rests for seconds before it repeats a request.
	t.Run("repeated requests", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { repeats(t, make) })
	})
}
