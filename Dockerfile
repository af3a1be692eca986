# syntax=docker/dockerfile:1

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
ENV GOMODCACHE=/cache/mod GOCACHE=/cache/build
RUN --mount=type=cache,target=/cache GOWORK=off go mod download
# Named one by one: nothing else of the repository is part of the program.
COPY cmd/kinesis-snowflake cmd/kinesis-snowflake
COPY config config
COPY internal internal
COPY sink sink
COPY source source
COPY transform transform
ARG TARGETOS TARGETARCH VERSION=development
# minicore_disabled leaves out the Snowflake driver's C library, which cannot be used without cgo.
RUN --mount=type=cache,target=/cache \
    CGO_ENABLED=0 GOWORK=off GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -mod=readonly -tags minicore_disabled -trimpath -ldflags "-s -w -X main.version=$VERSION" \
    -o /out/kinesis-snowflake ./cmd/kinesis-snowflake
RUN mkdir -p /out/spool

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/kinesis-snowflake /kinesis-snowflake
# A volume in an image without a file system of its own belongs to root unless the folder is there with its owner.
COPY --from=build --chown=65532:65532 /out/spool /spool
# There is no /tmp: files on their way to Snowflake go to the one folder that is writable, also under a read-only root.
ENV TMPDIR=/spool HOME=/spool
VOLUME /spool
USER 65532:65532
EXPOSE 9090
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s --retries=3 \
    CMD ["/kinesis-snowflake", "healthcheck", "-c", "/etc/kinesis-snowflake/pipeline.yaml"]
ENTRYPOINT ["/kinesis-snowflake"]
CMD ["run", "-c", "/etc/kinesis-snowflake/pipeline.yaml"]
