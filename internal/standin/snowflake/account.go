package snowflake

import (
	"crypto/rsa"
	"fmt"
	"strings"
	"time"
)

type user struct {
	name, password string
	key            *rsa.PublicKey
	fingerprint    string
}

// AddUser registers a user, who may log in with a password (if it is not empty) and with a JWT signed by the private half of key (if it is not nil).
func (s *Server) AddUser(name, password string, key *rsa.PublicKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := &user{name: strings.ToUpper(name), password: password, key: key}
	if key != nil {
		u.fingerprint = fingerprint(key)
	}
	s.users[u.name] = u
}

// CreateDatabase makes a database with a schema PUBLIC, unless it exists.
func (s *Server) CreateDatabase(name string) {
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	s.cat.addDatabase(name, s.now())
}

// CreateSchema makes a schema, and its database, unless they exist.
func (s *Server) CreateSchema(database, schema string) {
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	s.cat.addDatabase(database, s.now())
	if n := (schemaName{database, schema}); s.cat.schemas[n].IsZero() {
		s.cat.schemas[n] = s.now()
	}
}

// CreateWarehouse makes a warehouse. Before the first call, any warehouse name is taken for one that exists.
func (s *Server) CreateWarehouse(name string) {
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	s.cat.warehouses[name] = true
}

// CreateRole makes a role. Before the first call, any role name is taken for one that exists and is granted.
func (s *Server) CreateRole(name string) {
	s.cat.mu.Lock()
	defer s.cat.mu.Unlock()
	s.cat.roles[name] = true
}

func (c *catalogue) addDatabase(name string, now time.Time) {
	if _, ok := c.databases[name]; !ok {
		c.databases[name] = now
		c.schemas[schemaName{name, "PUBLIC"}] = now
		c.schemas[schemaName{name, "INFORMATION_SCHEMA"}] = now
	}
}

// Deny refuses a privilege from now on: INSERT, SELECT, UPDATE, DELETE, TRUNCATE and OWNERSHIP on a table ("DB.SCHEMA.TABLE"), CREATE TABLE, CREATE
// STAGE and CREATE VIEW on a schema ("DB.SCHEMA"), READ and WRITE on a stage, USAGE on a warehouse.
func (s *Server) Deny(privilege, object string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied[privilege+" "+object] = true
}

// Allow takes a [Server.Deny] back.
func (s *Server) Allow(privilege, object string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.denied, privilege+" "+object)
}

func (s *Server) allowed(privilege, kind string, object fmt.Stringer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.denied[privilege+" "+object.String()] {
		return notAuthorized(kind, object)
	}
	return nil
}

// SuspendByMonitor lets a resource monitor suspend all warehouses (090073), or ends that.
func (s *Server) SuspendByMonitor(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.monitor = on
}

// useWarehouse counts one use of a session's warehouse, or refuses.
func (s *Server) useWarehouse(se *session) error {
	if se.admin {
		return nil
	}
	if se.warehouse == "" {
		return failf("000606", "57P03", "No active warehouse selected in the current session.  Select an active warehouse with the 'use warehouse' command.")
	}
	if err := s.allowed("USAGE", "warehouse", plainName(se.warehouse)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.monitor {
		return failf("090073", "22000", "Warehouse '%s' cannot be resumed because resource monitor 'MONITOR' has exceeded its quota.", se.warehouse)
	}
	now := s.now()
	s.stats.Warehouse++
	if last, ok := s.running[se.warehouse]; !ok || now.Sub(last) > s.options.WarehouseSuspend {
		s.stats.Wakes++
	}
	s.running[se.warehouse] = now
	return nil
}
