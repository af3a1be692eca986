package source

import (
	"fmt"
	"log/slog"

	"github.com/aws/smithy-go/logging"
)

// sdkLog has the SDK tell what it has to say through log, as all the rest of the program does; by itself it writes lines of a
// form of its own to standard error.
func sdkLog(log *slog.Logger) logging.Logger {
	if log == nil {
		return logging.Nop{}
	}
	return logging.LoggerFunc(func(level logging.Classification, format string, args ...any) {
		write := log.Debug
		if level == logging.Warn {
			write = log.Warn
		}
		write("the AWS SDK says: " + fmt.Sprintf(format, args...))
	})
}
