package ask

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

func TestNobodyListens(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	client, err := Dial(ctx, address)
	if err == nil {
		t.Fatal("logged in", client.Close())
	}
	if !strings.Contains(err.Error(), "connection refused") || ctx.Err() != nil {
		t.Error(err)
	}
}
