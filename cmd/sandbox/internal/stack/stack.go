// Package stack starts the three stand-ins, Kinesis, DynamoDB and Snowflake, on addresses of this machine, and writes
// pipeline files that lead to them.
package stack

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"kinesis-snowflake/cmd/sandbox/internal/duck"
	"kinesis-snowflake/internal/standin/dynamodb"
	"kinesis-snowflake/internal/standin/kinesis"
	"kinesis-snowflake/internal/standin/snowflake"
)

// What the stand-ins know. None of it is a secret: the servers listen where they are told to, and keep nothing.
const (
	Region    = "us-east-1"
	AccessKey = "SANDBOX"
	SecretKey = "sandbox"
	Account   = "SANDBOX"
	Loader    = "KINESIS_LOADER" // logs in with the key pair; also the role's name
	Analyst   = "ANALYST"        // logs in with Password
	Password  = "sandbox"
	Database  = "SANDBOX"
	Schema    = "KINESIS"
	Warehouse = "LOAD_XS"
)

// Options say where the servers listen. The zero value is free ports of the loopback interface and rows in memory.
type Options struct {
	Kinesis, DynamoDB, Snowflake string // host:port
	Database                     string // a DuckDB file that does not exist
	Dir                          string // for the key and the pipeline files; it must exist
	// Fast lifts the limits on writing, so that demonstrations need not wait; the limits on reading hold.
	Fast bool
}

// Stack is three running servers.
type Stack struct {
	Kinesis   *kinesis.Server
	DynamoDB  *dynamodb.Server
	Snowflake *snowflake.Server

	KinesisURL, DynamoDBURL, SnowflakeURL string

	dir     string
	key     string // file
	engine  *duck.Engine
	servers []*http.Server
	serving sync.WaitGroup
}

// Start starts the servers. Close ends them.
func Start(ctx context.Context, o Options) (s *Stack, err error) {
	s = &Stack{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
			s = nil
		}
	}()
	// A relative name in a pipeline file starts from the file's own folder.
	if s.dir, err = filepath.Abs(o.Dir); err != nil {
		return s, fmt.Errorf("find the folder: %w", err)
	}
	if s.engine, err = duck.Open(ctx, o.Database); err != nil {
		return s, err
	}
	limits := kinesis.AllLimits()
	limits.Writes = !o.Fast
	s.Kinesis = kinesis.New(kinesis.Options{Region: Region, Limits: &limits})
	s.DynamoDB = dynamodb.New(dynamodb.Options{Region: Region})
	s.Snowflake = snowflake.New(snowflake.Options{Account: Account, Engine: s.engine})
	key, err := s.writeKey()
	if err != nil {
		return s, err
	}
	s.Snowflake.AddUser(Loader, "", key)
	s.Snowflake.AddUser(Analyst, Password, nil)
	s.Snowflake.CreateSchema(Database, Schema)
	s.Snowflake.CreateWarehouse(Warehouse)
	s.Snowflake.CreateRole(Loader)
	for _, l := range []struct {
		address string
		handler http.Handler
		url     *string
	}{
		{o.Kinesis, s.Kinesis.Handler(), &s.KinesisURL},
		{o.DynamoDB, s.DynamoDB.Handler(), &s.DynamoDBURL},
		{o.Snowflake, s.Snowflake.Handler(), &s.SnowflakeURL},
	} {
		if *l.url, err = s.serve(ctx, l.address, l.handler); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *Stack) serve(ctx context.Context, address string, handler http.Handler) (url string, err error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	s.servers = append(s.servers, server)
	s.serving.Go(func() { _ = server.Serve(listener) }) // always ends with ErrServerClosed
	return "http://" + listener.Addr().String(), nil
}

// Close ends the servers, cuts their connections, and completes the DuckDB file.
func (s *Stack) Close() error {
	var errs []error
	if s.Snowflake != nil {
		s.Snowflake.Close()
	}
	for _, server := range s.servers {
		errs = append(errs, server.Close())
	}
	s.serving.Wait()
	if s.engine != nil {
		errs = append(errs, s.engine.Close())
	}
	return errors.Join(errs...)
}

// writeKey makes a key pair for this run and writes its private half where only this user reads it.
func (s *Stack) writeKey() (*rsa.PublicKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make key pair: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	s.key = filepath.Join(s.dir, "snowflake_key.p8")
	if err := os.WriteFile(s.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	return &key.PublicKey, nil
}
