package source

import (
	"context"
	"fmt"
)

// Fresh reports whether the application has no leases yet, making the lease table if there is none. It is meant for
// before Run: a start other than TRIM_HORIZON must then not pass over what the table's offsets say is still to come
// ([Source.SetOffsets]).
func (s *Source) Fresh(ctx context.Context) (bool, error) {
	if err := s.store.Ensure(ctx); err != nil {
		return false, fmt.Errorf("look for the lease table: %w", err)
	}
	found, err := s.store.Scan(ctx)
	if err != nil {
		return false, fmt.Errorf("look for leases: %w", err)
	}
	return len(found.Leases) == 0, nil
}
