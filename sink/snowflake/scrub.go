package snowflake

import "regexp"

// signed are the parts of a stage's URL that let whoever reads them write to the stage: of Azure's shared access signatures
// and of the signed URLs of S3 and Google Cloud. A transfer that fails has its URL in the error. The driver's own masking
// leaves the value of sig= where it is (gosnowflake 2.1.0).
var signed = regexp.MustCompile(`(?i)\b((?:sig|signature|AWSAccessKeyId|X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token))(?:=|%3D|\*{4}))[^&\s"'<>]+`)

// scrub takes secrets out of a text that is not ours.
func scrub(text string) string { return signed.ReplaceAllString(text, "$1<secret>") }
