// Every public call of reduct-go, and what comes of it. Started by ../run.py, which says what is printed and what is in the environment.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	reductgo "github.com/reductstore/reduct-go"
	"github.com/reductstore/reduct-go/model"
)

const start = int64(1_700_000_000_000_000)

var (
	url   = os.Getenv("PANNIER_URL")
	token = os.Getenv("PANNIER_TOKEN")
	later = strings.Split(os.Getenv("PANNIER_LATER"), ",")
	ctx   = context.Background()

	atReference = os.Getenv("PANNIER_REFERENCE") != ""

	client = connect(token)
	called = map[string]bool{}
	noting sync.Mutex
	method = regexp.MustCompile(`\.\(?\*?(\w+)\)?\.(\w+)-fm$`)
)

// call notes a method of the client and gives it back: call(bucket.GetInfo)(ctx).
func call[Method any](it Method) Method {
	name := runtime.FuncForPC(reflect.ValueOf(it).Pointer()).Name()
	parts := method.FindStringSubmatch(name)
	if parts == nil {
		panic("not a method: " + name)
	}
	noting.Lock()
	defer noting.Unlock()
	called[parts[1]+"."+parts[2]] = true
	return it
}

func connect(token string) reductgo.Client {
	return reductgo.NewClient(url, reductgo.ClientOptions{APIToken: token, Timeout: 20 * time.Second})
}

// wrong is what a check throws; it ends the case.
type wrong string

func equal(found, wanted any, what string) {
	if f, w := fmt.Sprintf("%#v", found), fmt.Sprintf("%#v", wanted); f != w {
		panic(wrong(fmt.Sprintf("%s: %s instead of %s", what, f, w)))
	}
}

func holds(condition bool, what string) {
	if !condition {
		panic(wrong(what))
	}
}

func done(err error) {
	if err != nil {
		panic(wrong(err.Error()))
	}
}

func must[Value any](value Value, err error) Value {
	done(err)
	return value
}

func refused(err error, status int, text string) {
	if err == nil {
		panic(wrong(fmt.Sprintf("it was done instead of refused with %d %s", status, text)))
	}
	var plain model.APIError
	var pointed *model.APIError
	if !errors.As(err, &plain) {
		holds(errors.As(err, &pointed), "another error: "+err.Error())
		plain = *pointed
	}
	equal(fmt.Sprint(plain.Status, " ", plain.Message), fmt.Sprint(status, " ", text), "error")
}

// failed is the error of a call whose value does not matter.
func failed[Value any](_ Value, err error) error { return err }

func eventually(check func() bool, what string) {
	for range 200 {
		if check() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	panic(wrong(what + ": not within 10 s"))
}

// told is a record as text: entry, time since start, content, labels.
func told(record *reductgo.ReadableRecord) string {
	content := must(call(record.ReadAsString)())
	return fmt.Sprint(call(record.Entry)(), " ", call(record.Time)()-start, " ", content, " ", call(record.Labels)())
}

func everything(result *reductgo.QueryResult, err error) []string {
	found := []string{}
	if empty(err) {
		return found
	}
	done(err)
	for record := range call(result.Records)() {
		found = append(found, told(record))
	}
	done(call(result.Err)())
	return found
}

// empty tells the error by which this client says that a query has no records.
func empty(err error) bool {
	var plain model.APIError
	return errors.As(err, &plain) && plain.Status == http.StatusNoContent
}

func times(result *reductgo.QueryResult, err error) []int {
	found := []int{}
	if empty(err) {
		return found
	}
	done(err)
	for record := range call(result.Records)() {
		found = append(found, int(call(record.Time)()-start))
		must(call(record.Read)())
	}
	done(call(result.Err)())
	return found
}

func when(condition any) *reductgo.QueryOptions {
	options := call(call(reductgo.NewQueryOptionsBuilder().WithWhen)(condition).Build)()
	return &options
}

func between(from, to int64) *reductgo.QueryOptions {
	builder := call(call(reductgo.NewQueryOptionsBuilder().WithStart)(start + from).WithStop)(start + to)
	options := call(builder.Build)()
	return &options
}

type condition = map[string]any
type labels = reductgo.LabelMap

func write(bucket *reductgo.Bucket, entry string, ts int64, content string, options ...labels) error {
	with := reductgo.WriteOptions{Timestamp: ts}
	if len(options) > 0 {
		with.Labels = options[0]
	}
	record := call(bucket.BeginWrite)(ctx, entry, &with)
	return call(record.Write)(content)
}

// exists asks for a bucket; this client takes "no" for an error.
func exists(name string) bool {
	found, err := call(client.CheckBucketExists)(ctx, name)
	if err == nil {
		return found
	}
	if !strings.Contains(err.Error(), "is being deleted") {
		refused(err, 404, fmt.Sprintf("Bucket '%s' is not found", name))
		return false
	}
	return true
}

// drive makes a bucket with three entries of ten records each. In its batches of one entry this client drops the values of labels that are not text.
func drive(name string) *reductgo.Bucket {
	bucket := must(call(client.CreateBucket)(ctx, name, nil))
	for _, entry := range []string{"camera-front", "camera-back", "imu"} {
		batch := call(bucket.BeginWriteBatch)(ctx, entry)
		for i := range int64(10) {
			with := labels{"number": strconv.FormatInt(i, 10), "even": strconv.FormatBool(i%2 == 0)}
			call(batch.Add)(start+i, fmt.Appendf(nil, "%s %d", entry, i), "text/plain", with)
		}
		equal(len(must(call(batch.Write)(ctx))), 0, "errors of the batch")
	}
	return &bucket
}

var cases = []struct {
	name string
	run  func()
}{
	{"alive", func() {
		equal(must(call(client.IsLive)(ctx)), true, "alive")
	}},
	{"info: version, defaults, counts", func() {
		before := must(call(client.GetInfo)(ctx))
		holds(strings.HasPrefix(before.Version, "1.21."), "version "+before.Version)
		holds(before.License == nil, "a licence")
		equal(before.Defaults.Bucket, model.BucketSetting{MaxBlockSize: 64_000_000, MaxBlockRecords: 1024, QuotaType: model.QuotaTypeNone}, "defaults")
		bucket := must(call(client.CreateBucket)(ctx, "go-info", nil))
		done(write(&bucket, "a", start, strings.Repeat("x", 1000)))
		after := must(call(client.GetInfo)(ctx))
		equal(after.BucketCount, before.BucketCount+1, "buckets")
		holds(after.Usage >= before.Usage+1000, "usage does not grow")
		holds(after.LatestRecord >= uint64(start), "latest record")
	}},
	{"list: every bucket with its figures", func() {
		bucket := must(call(client.CreateBucket)(ctx, "go-list", nil))
		done(write(&bucket, "a", 7, "12345"))
		done(write(&bucket, "b", 9, "12345"))
		listed := must(call(client.GetBuckets)(ctx))
		at := slices.IndexFunc(listed, func(info model.BucketInfo) bool { return info.Name == "go-list" })
		holds(at >= 0, "not listed")
		info := listed[at]
		holds(info.Size >= 10, "size")
		info.Size = 0
		equal(info, model.BucketInfo{Name: "go-list", EntryCount: 2, OldestRecord: 7, LatestRecord: 9, Status: model.StatusReady}, "figures")
	}},
	{"me: the token in use", func() {
		me := must(call(client.GetCurrentToken)(ctx))
		equal([]any{me.Name, me.IsProvisioned, me.Permissions.FullAccess}, []any{"init-token", true, true}, "token")
	}},

	{"tokens: create, get, list, remove", func() {
		rights := model.TokenPermissions{Read: []string{"go-*"}, Write: []string{"go-tokens"}}
		value := must(call(client.CreateToken)(ctx, "go-token", rights))
		holds(strings.HasPrefix(value, "go-token-") && len(value) > 30, "value "+value)
		found := must(call(client.GetToken)(ctx, "go-token"))
		equal(*found.Permissions, rights, "rights")
		holds(found.ExpiresAt == nil && found.TTL == nil && !found.IsExpired && !found.IsProvisioned && found.Value == "", "limits nobody asked for")
		created := must(time.Parse(time.RFC3339Nano, found.CreatedAt))
		holds(time.Since(created).Abs() < time.Minute, "created "+found.CreatedAt)
		listed := must(call(client.GetTokens)(ctx))
		holds(slices.ContainsFunc(listed, func(one model.Token) bool { return one.Name == "go-token" }), "not listed")
		refused(failed(call(client.CreateToken)(ctx, "go-token", rights)), 409, "Token 'go-token' already exists")
		done(call(client.RemoveToken)(ctx, "go-token"))
		refused(failed(call(client.GetToken)(ctx, "go-token")), 404, "Token 'go-token' doesn't exist")
		refused(call(client.RemoveToken)(ctx, "init-token"), 409, "Can't remove provisioned token 'init-token'")
	}},
	{"tokens: what a token may do", func() {
		bucket := must(call(client.CreateBucket)(ctx, "go-rights", nil))
		must(call(client.CreateBucket)(ctx, "go-hidden", nil))
		done(write(&bucket, "a", start, "mine"))
		reader := connect(must(call(client.CreateToken)(ctx, "go-reader", model.TokenPermissions{Read: []string{"go-rights"}})))
		listed := must(call(reader.GetBuckets)(ctx))
		equal([]any{len(listed), listed[0].Name}, []any{1, "go-rights"}, "buckets")
		own := must(call(reader.GetBucket)(ctx, "go-rights"))
		equal(everything(call(own.Query)(ctx, "a", nil)), []string{"a 0 mine map[]"}, "records")
		refused(write(&own, "a", start+1, "x"), 403, "Token 'go-reader' doesn't have write access to bucket 'go-rights'")
		refused(failed(call(reader.GetBucket)(ctx, "go-hidden")), 403, "Token 'go-reader' doesn't have read access to bucket 'go-hidden'")
		refused(failed(call(reader.CreateBucket)(ctx, "go-more", nil)), 403, "Token 'go-reader' doesn't have full access")
	}},
	{"tokens: expiry, time to live, allowed addresses", func() {
		expires := time.Now().Add(5 * time.Second).UTC()
		soon := expires.Format(time.RFC3339Nano)
		seconds := uint64(3600)
		all := model.TokenPermissions{FullAccess: true}
		near := []string{"127.0.0.1", "10.0.0.0/8"}
		made := must(call(client.CreateTokenWithOptions)(ctx, "go-limits",
			model.TokenCreateOptions{Permissions: all, ExpiresAt: &soon, TTL: &seconds, IPAllowlist: near}))
		holds(made.CreatedAt != "", "no time of creation")
		found := must(call(client.GetToken)(ctx, "go-limits"))
		equal([]any{*found.TTL, found.IPAllowlist}, []any{seconds, near}, "limits")
		holds(must(time.Parse(time.RFC3339Nano, *found.ExpiresAt)).Equal(expires), "expires "+*found.ExpiresAt)
		far := must(call(client.CreateTokenWithOptions)(ctx, "go-far",
			model.TokenCreateOptions{Permissions: all, IPAllowlist: []string{"10.0.0.0/8"}}))
		stranger := connect(far.Value)
		refused(failed(call(stranger.GetCurrentToken)(ctx)), 401, "Token is not allowed for client IP 127.0.0.1")
		brief := connect(made.Value)
		equal(must(call(brief.GetCurrentToken)(ctx)).Name, "go-limits", "name")
		time.Sleep(time.Until(expires) + 100*time.Millisecond)
		refused(failed(call(brief.GetCurrentToken)(ctx)), 401, "Token has expired")
	}},
	{"tokens: rotate", func() {
		first := must(call(client.CreateToken)(ctx, "go-rotated", model.TokenPermissions{Read: []string{"*"}}))
		second := must(call(client.RotateToken)(ctx, "go-rotated"))
		holds(second.Value != first && strings.HasPrefix(second.Value, "go-rotated-"), "value "+second.Value)
		old, current := connect(first), connect(second.Value)
		refused(failed(call(old.GetCurrentToken)(ctx)), 401, "Invalid token")
		equal(must(call(current.GetCurrentToken)(ctx)).Permissions.Read, []string{"*"}, "rights")
	}},

	{"buckets: create, get, change settings", func() {
		builder := call(call(model.NewBucketSettingBuilder().WithQuotaType)(model.QuotaTypeFifo).WithQuotaSize)(5_000_000)
		settings := call(call(call(builder.WithMaxBlockSize)(1_000_000).WithMaxBlockRecords)(100).Build)()
		bucket := must(call(client.CreateBucket)(ctx, "go-create", &settings))
		equal(must(call(bucket.GetSettings)(ctx)), settings, "settings")
		equal(must(call(client.CheckBucketExists)(ctx, "go-create")), true, "there")
		equal(must(call(bucket.CheckExists)(ctx)), true, "there")
		refused(failed(call(client.CreateBucket)(ctx, "go-create", nil)), 409, "Bucket 'go-create' already exists")
		again := must(call(client.CreateOrGetBucket)(ctx, "go-create", nil))
		equal(must(call(again.GetSettings)(ctx)), settings, "settings of the one that was there")
		found := must(call(client.GetBucket)(ctx, "go-create"))
		done(call(found.SetSettings)(ctx, model.BucketSetting{QuotaType: model.QuotaTypeHard, QuotaSize: 100}))
		settings.QuotaType, settings.QuotaSize = model.QuotaTypeHard, 100
		equal(must(call(bucket.GetSettings)(ctx)), settings, "settings changed")
		refused(write(&bucket, "a", 1, strings.Repeat("x", 1000)), 400, "Quota of 'go-create' exceeded")
	}},
	{"buckets: figures of bucket and entries", func() {
		bucket := drive("go-figures")
		info := must(call(bucket.GetInfo)(ctx))
		full := must(call(bucket.GetFullInfo)(ctx))
		entries := must(call(bucket.GetEntries)(ctx))
		equal([]any{full.Info, full.Entries, full.Settings}, []any{info, entries, must(call(bucket.GetSettings)(ctx))}, "all of it")
		info.Size = 0
		equal(info,
			model.BucketInfo{Name: "go-figures", EntryCount: 3, OldestRecord: uint64(start), LatestRecord: uint64(start + 9), Status: model.StatusReady}, "bucket")
		for i, name := range []string{"camera-back", "camera-front", "imu"} {
			entries[i].Size = 0
			equal(entries[i],
				model.EntryInfo{Name: name, BlockCount: 1, RecordCount: 10, OldestRecord: start, LatestRecord: start + 9, Status: model.StatusReady}, "entry")
		}
	}},
	{"buckets: rename and remove", func() {
		bucket := drive("go-old")
		done(call(bucket.Rename)(ctx, "go-new"))
		renamed := must(call(client.GetBucket)(ctx, "go-new"))
		equal(len(times(call(renamed.Query)(ctx, "imu", nil))), 10, "records")
		holds(!exists("go-old"), "the old name is still there")
		done(call(renamed.Remove)(ctx))
		eventually(func() bool { return !exists("go-new") }, "removal")
		must(call(client.CreateBucket)(ctx, "go-new", nil))
		done(call(client.RemoveBucket)(ctx, "go-new"))
		eventually(func() bool { return !exists("go-new") }, "removal")
		refused(failed(call(renamed.GetInfo)(ctx)), 404, "Bucket 'go-new' is not found")
	}},

	{"records: write and read", func() {
		bucket := must(call(client.CreateBucket)(ctx, "go-records", nil))
		with := labels{"robot": "anna", "count": 3, "text": "a, b=c", "on": true}
		// This client sends single records as application/json, whatever their type is.
		record := call(bucket.BeginWrite)(ctx, "a/b", &reductgo.WriteOptions{Timestamp: start, ContentType: "image/jpeg", Labels: with})
		done(call(record.Write)([]byte{0, 1, 2, 255}))
		done(write(&bucket, "a/b", start+1, "second"))
		ts := start
		found := must(call(bucket.BeginRead)(ctx, "a/b", &ts))
		equal([]any{call(found.Entry)(), call(found.Time)(), call(found.Size)(), call(found.ContentType)()},
			[]any{"a/b", start, int64(4), "application/json"}, "record")
		equal(fmt.Sprint(call(found.Labels)()), "map[count:3 on:true robot:anna text:a, b=c]", "labels")
		equal(must(call(found.Read)()), []byte{0, 1, 2, 255}, "content")
		latest := must(call(bucket.BeginRead)(ctx, "a/b", nil))
		equal([]any{call(latest.Time)(), must(call(latest.ReadAsString)())}, []any{start + 1, "second"}, "latest record")
		refused(write(&bucket, "a/b", start, "again"), 409, fmt.Sprintf("A record with timestamp %d already exists", start))
	}},
	{"records: write and read piece by piece", func() {
		bucket := must(call(client.CreateBucket)(ctx, "go-streams", nil))
		content := make([]byte, 3_000_001)
		for i := range content {
			content[i] = byte(i * 7919 % 251)
		}
		record := call(bucket.BeginWrite)(ctx, "a", &reductgo.WriteOptions{Timestamp: start, Size: int64(len(content))})
		done(call(record.Write)(bytes.NewReader(content)))
		ts := start
		found := must(call(bucket.BeginRead)(ctx, "a", &ts))
		pieces, piece := []byte{}, make([]byte, 100_000)
		for stream := call(found.Stream)(); ; {
			n, err := stream.Read(piece)
			pieces = append(pieces, piece[:n]...)
			if err == io.EOF {
				break
			}
			done(err)
		}
		holds(bytes.Equal(pieces, content), "other content")
	}},
	{"records: only the head", func() {
		bucket := must(call(client.CreateBucket)(ctx, "go-heads", nil))
		done(write(&bucket, "a", start, "12345", labels{"x": 1}))
		ts := start
		found := must(call(bucket.BeginMetadataRead)(ctx, "a", &ts))
		equal([]any{call(found.Time)(), call(found.Size)(), fmt.Sprint(call(found.Labels)())}, []any{start, int64(5), "map[x:1]"}, "head")
	}},
	{"records: change labels, remove", func() {
		bucket := must(call(client.CreateBucket)(ctx, "go-update", nil))
		done(write(&bucket, "a", start, "12345", labels{"keep": 1, "change": 1, "drop": 1}))
		done(call(bucket.Update)(ctx, "a", start, labels{"change": 2, "drop": "", "fresh": 3}))
		equal(everything(call(bucket.Query)(ctx, "a", nil)), []string{"a 0 12345 map[change:2 fresh:3 keep:1]"}, "record")
		done(call(bucket.RemoveRecord)(ctx, "a", start))
		refused(call(bucket.RemoveRecord)(ctx, "a", start), 404, fmt.Sprintf("Record %d not found in entry go-update/a", start))
	}},

	{"batches: write", func() {
		bucket := must(call(client.CreateBucket)(ctx, "go-batch", nil))
		done(write(&bucket, "a", start+1, "first"))
		batch := call(bucket.BeginWriteBatch)(ctx, "a")
		call(batch.Add)(start, []byte("zero"), "text/plain", labels{"n": "0", "text": "a, b"})
		call(batch.Add)(start+1, []byte("one"), "", nil)
		call(batch.Add)(start+2, []byte{}, "text/plain", labels{"n": "2"})
		equal([]any{call(batch.Size)(), call(batch.RecordCount)()}, []any{int64(7), 3}, "batch")
		holds(time.Since(call(batch.LastAccessTime)()).Abs() < time.Minute, "last access")
		errs := must(call(batch.Write)(ctx))
		equal([]any{len(errs), errs[start+1].Status, errs[start+1].Message},
			[]any{1, 409, fmt.Sprintf("A record with timestamp %d already exists", start+1)}, "errors")
		equal(everything(call(bucket.Query)(ctx, "a", nil)), []string{"a 0 zero map[n:0 text:a, b]", "a 1 first map[]", "a 2  map[n:2]"}, "records")
		call(batch.Clear)()
		equal([]any{call(batch.Size)(), call(batch.RecordCount)()}, []any{int64(0), 0}, "batch after it was cleared")
	}},
	{"batches: change labels and remove", func() {
		bucket := drive("go-change-batch")
		changes := call(bucket.BeginUpdateBatch)(ctx, "imu")
		call(changes.AddOnlyLabels)(start, labels{"number": "", "checked": "yes"})
		call(changes.AddOnlyLabels)(start+1, labels{"even": "odd, indeed"})
		call(changes.AddOnlyLabels)(start+50, labels{"x": "1"})
		errs := must(call(changes.Write)(ctx))
		text := fmt.Sprintf("Record %d not found in entry go-change-batch/imu", start+50)
		equal([]any{len(errs), errs[start+50].Status, errs[start+50].Message}, []any{1, 404, text}, "errors")
		found := everything(call(bucket.Query)(ctx, "imu", between(0, 2)))
		equal(found, []string{"imu 0 imu 0 map[checked:yes even:true]", "imu 1 imu 1 map[even:odd, indeed number:1]"}, "records")
		removals := call(bucket.BeginRemoveBatch)(ctx, "imu")
		for _, i := range []int64{0, 3, 50} {
			call(removals.AddOnlyTimestamp)(start + i)
		}
		errs = must(call(removals.Write)(ctx))
		equal([]any{len(errs), errs[start+50].Status, errs[start+50].Message}, []any{1, 404, text}, "errors")
		equal(times(call(bucket.Query)(ctx, "imu", nil)), []int{1, 2, 4, 5, 6, 7, 8, 9}, "times")
	}},
	{"batches of several entries: write", func() {
		bucket := must(call(client.CreateBucket)(ctx, "go-io", nil))
		done(write(&bucket, "b", start+1, "first"))
		batch := call(bucket.BeginWriteRecordBatch)(ctx)
		call(batch.Add)("a", start, []byte("a zero"), "text/plain", labels{"n": 0, "text": "a, b"})
		call(batch.Add)("b/c", start, []byte("b/c zero"), "", labels{"n": 1})
		call(batch.Add)("b", start+1, []byte("b one"), "", nil)
		call(batch.Add)("a", start+5, []byte("a five"), "", labels{"n": 0})
		equal([]any{call(batch.Size)(), call(batch.RecordCount)()}, []any{int64(25), 4}, "batch")
		holds(time.Since(call(batch.LastAccessTime)()).Abs() < time.Minute, "last access")
		errs := must(call(batch.Send)(ctx))
		equal([]any{len(errs), errs["b"][start+1].Status, errs["b"][start+1].Message},
			[]any{1, 409, fmt.Sprintf("A record with timestamp %d already exists", start+1)}, "errors")
		found := everything(call(bucket.QueryMany)(ctx, []string{"a", "b", "b/c"}, nil))
		slices.Sort(found)
		equal(found, []string{"a 0 a zero map[n:0 text:a, b]", "a 5 a five map[n:0]", "b 1 first map[]", "b/c 0 b/c zero map[n:1]"}, "records")
		call(batch.Clear)()
		equal(call(batch.RecordCount)(), 0, "batch after it was cleared")
	}},
	{"batches of several entries: change labels and remove", func() {
		bucket := drive("go-io-change")
		changes := call(bucket.BeginUpdateRecordBatch)(ctx)
		call(changes.AddOnlyLabels)("imu", start, labels{"number": "", "checked": "yes"})
		call(changes.AddOnlyLabels)("camera-back", start+1, labels{"even": "odd, indeed"})
		call(changes.AddOnlyLabels)("imu", start+50, labels{"x": 1})
		errs := must(call(changes.Send)(ctx))
		equal([]any{len(errs), len(errs["imu"]), errs["imu"][start+50].Status}, []any{1, 1, 404}, "errors")
		equal(everything(call(bucket.Query)(ctx, "imu", between(0, 1))), []string{"imu 0 imu 0 map[checked:yes even:true]"}, "record")
		equal(everything(call(bucket.Query)(ctx, "camera-back", between(1, 2))),
			[]string{"camera-back 1 camera-back 1 map[even:odd, indeed number:1]"}, "record")
		removals := call(bucket.BeginRemoveRecordBatch)(ctx)
		call(removals.AddOnlyTimestamp)("imu", start)
		call(removals.AddOnlyTimestamp)("imu", start+50)
		call(removals.AddOnlyTimestamp)("camera-back", start+9)
		errs = must(call(removals.Send)(ctx))
		equal([]any{len(errs), len(errs["imu"]), errs["imu"][start+50].Status}, []any{1, 1, 404}, "errors")
		equal(times(call(bucket.Query)(ctx, "imu", nil)), []int{1, 2, 3, 4, 5, 6, 7, 8, 9}, "times")
		equal(times(call(bucket.Query)(ctx, "camera-back", nil)), []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, "times")
	}},

	{"queries: one entry", func() {
		bucket := drive("go-query")
		wanted := []string{}
		for i := range 10 {
			wanted = append(wanted, fmt.Sprintf("imu %d imu %d map[even:%t number:%d]", i, i, i%2 == 0, i))
		}
		equal(everything(call(bucket.Query)(ctx, "imu", nil)), wanted, "records")
		equal(everything(call(bucket.Query)(ctx, "imu", between(3, 6))), wanted[3:6], "records between two times")
		result := must(call(bucket.Query)(ctx, "imu", between(0, 2)))
		marks := []bool{}
		for record := range call(result.Records)() {
			must(call(record.Read)())
			marks = append(marks, call(record.IsLast)(), call(record.IsLastInBatch)())
			call(record.SetLastInBatch)(true)
			holds(call(record.IsLastInBatch)(), "the mark is not kept")
		}
		equal(marks, []bool{false, false, true, true}, "last of the query, last of the batch")
		refused(failed(call(bucket.Query)(ctx, "none", nil)), 404, "Entry 'none' not found in bucket 'go-query'")
	}},
	{"queries: several entries and patterns", func() {
		bucket := drive("go-query-many")
		found := everything(call(bucket.QueryMany)(ctx, []string{"imu", "camera-back"}, between(2, 3)))
		equal(found, []string{"camera-back 2 camera-back 2 map[even:true number:2]", "imu 2 imu 2 map[even:true number:2]"}, "records of two entries")
		equal(len(times(call(bucket.Query)(ctx, "camera-*", nil))), 20, "records of a pattern")
		all := everything(call(bucket.QueryMany)(ctx, []string{"*"}, nil))
		equal(len(all), 30, "records of all entries")
		for _, one := range all {
			words := strings.Fields(one)
			equal(words[2]+words[3], words[0]+words[1], "content of another record")
		}
	}},
	{"queries: conditions", func() {
		bucket := drive("go-query-when")
		equal(times(call(bucket.Query)(ctx, "imu", when(condition{"&even": condition{"$eq": true}}))), []int{0, 2, 4, 6, 8}, "even ones")
		limited := call(reductgo.NewQueryOptionsBuilder().WithWhen)(condition{"$and": []any{condition{"&number": condition{"$gt": 3}}, condition{"$limit": 2}}})
		options := call(call(limited.WithStrict)(true).Build)()
		equal(times(call(bucket.Query)(ctx, "imu", &options)), []int{4, 5}, "two above three")
		equal(times(call(bucket.QueryMany)(ctx, []string{"imu"}, when(condition{"$each_n": 4}))), []int{3, 7}, "each fourth")
		equal(times(call(bucket.Query)(ctx, "imu", when(condition{"&number": condition{"$gt": 100}}))), []int{}, "none")
		options = call(call(reductgo.NewQueryOptionsBuilder().WithExt)(condition{"nothing": condition{}}).Build)()
		holds(failed(call(bucket.Query)(ctx, "imu", &options)) != nil, "an extension that does not exist is taken")
	}},
	{"queries: only the heads", func() {
		bucket := drive("go-query-head")
		options := call(call(reductgo.NewQueryOptionsBuilder().WithHead)(true).Build)()
		one := must(call(bucket.Query)(ctx, "imu", &options))
		many := must(call(bucket.QueryMany)(ctx, []string{"imu"}, &options))
		for _, result := range []*reductgo.QueryResult{one, many} {
			found := 0
			for record := range call(result.Records)() {
				equal([]any{call(record.Time)(), call(record.Size)(), call(record.ContentType)()},
					[]any{start + int64(found), int64(5), "text/plain"}, "head")
				equal(call(record.Labels)()["number"], strconv.Itoa(found), "label")
				found++
			}
			equal(found, 10, "heads")
		}
	}},
	{"queries: many records with long headers", func() {
		// As many as need several answers.
		bucket := must(call(client.CreateBucket)(ctx, "go-long", nil))
		names := []string{"camera-front-left", "camera-rear", "imu"}
		wanted := []string{}
		batch := call(bucket.BeginWriteRecordBatch)(ctx)
		for i := range int64(1500) {
			entry, ts := names[i%3], start+i*33_333
			with := labels{"sequence_number": strconv.FormatInt(i, 10), "robot_name": fmt.Sprint("robot-", i%7), "task": "survey, slow"}
			wanted = append(wanted, fmt.Sprintf("%s %d %s %d %v", entry, ts-start, entry, i, with))
			call(batch.Add)(entry, ts, fmt.Appendf(nil, "%s %d", entry, i), "text/plain", with)
			if i%80 == 79 || i == 1499 {
				equal(len(must(call(batch.Send)(ctx))), 0, "errors")
				call(batch.Clear)()
			}
		}
		found := everything(call(bucket.QueryMany)(ctx, []string{"*"}, nil))
		slices.Sort(found)
		slices.Sort(wanted)
		holds(slices.Equal(found, wanted), fmt.Sprint(len(found), " records, or changed ones"))
	}},
	{"queries: continuous", func() {
		bucket := drive("go-continuous")
		builder := call(call(reductgo.NewQueryOptionsBuilder().WithContinuous)(true).WithPollInterval)(100 * time.Millisecond)
		options := call(call(builder.WithStart)(start + 8).Build)()
		watching, stop := context.WithCancel(ctx)
		defer stop()
		result := must(call(bucket.Query)(watching, "imu", &options))
		go func() {
			for i := int64(10); i < 13; i++ {
				time.Sleep(100 * time.Millisecond)
				_ = write(bucket, "imu", start+i, fmt.Sprint("imu ", i))
			}
		}()
		found := []string{}
		for record := range call(result.Records)() {
			found = append(found, must(call(record.ReadAsString)()))
			if call(record.Time)() == start+12 {
				break
			}
		}
		if atReference {
			// It answers a waiting query with no records, which this client takes for the end.
			return
		}
		equal(fmt.Sprint(found, call(result.Err)()), "[imu 8 imu 9 imu 10 imu 11 imu 12] <nil>", "records and error")
	}},
	{"queries: remove by query", func() {
		bucket := drive("go-remove-query")
		equal(must(call(bucket.RemoveQuery)(ctx, "imu", between(2, 5))), int64(3), "removed from one entry")
		equal(times(call(bucket.Query)(ctx, "imu", nil)), []int{0, 1, 5, 6, 7, 8, 9}, "times")
		equal(must(call(bucket.RemoveQueryMany)(ctx, []string{"camera-*"},
			when(condition{"&even": condition{"$eq": true}}))), int64(10), "removed by a condition")
		equal(times(call(bucket.Query)(ctx, "camera-front", nil)), []int{1, 3, 5, 7, 9}, "times")
	}},

	{"entries: rename and remove", func() {
		bucket := drive("go-entries")
		done(call(bucket.RenameEntry)(ctx, "imu", "sensors"))
		equal(everything(call(bucket.Query)(ctx, "sensors", between(0, 1))), []string{"sensors 0 imu 0 map[even:true number:0]"}, "record")
		refused(call(bucket.RenameEntry)(ctx, "imu", "x"), 404, "Entry 'imu' not found in bucket 'go-entries'")
		done(call(bucket.RemoveEntry)(ctx, "camera-front"))
		eventually(func() bool { return len(must(call(bucket.GetEntries)(ctx))) == 2 }, "removal")
		refused(call(bucket.RemoveEntry)(ctx, "camera-front"), 404, "Entry 'camera-front' not found in bucket 'go-entries'")
	}},
	{"attachments: write, read, remove", func() {
		bucket := drive("go-attachments")
		schema := condition{"fields": []any{"x", "y"}, "rate": 1.5, "unit": nil}
		done(call(bucket.WriteAttachments)(ctx, "imu", condition{"schema": schema, "$ros": "/imu", "notes": "Grüße"}))
		found := must(call(bucket.ReadAttachments)(ctx, "imu"))
		equal(fmt.Sprint(found), fmt.Sprint(condition{"schema": schema, "$ros": "/imu", "notes": "Grüße"}), "attachments")
		done(call(bucket.RemoveAttachments)(ctx, "imu", []string{"notes", "$ros"}))
		equal(fmt.Sprint(must(call(bucket.ReadAttachments)(ctx, "imu"))), fmt.Sprint(condition{"schema": schema}), "attachments left")
		done(call(bucket.RemoveAttachments)(ctx, "imu", nil))
		left, err := call(bucket.ReadAttachments)(ctx, "imu")
		holds((err == nil || empty(err)) && len(left) == 0, fmt.Sprint("attachments left ", left, err))
	}},
	{"links: create and fetch", func() {
		bucket := drive("go-links")
		done(write(bucket, "picture", start, "0123456789", labels{"robot": "anna"}))
		builder := call(call(reductgo.NewQueryLinkOptionsBuilder().WithBaseURL)(url).WithFileName)("picture.jpg")
		builder = call(call(builder.WithRecordEntry)("picture").WithRecordTimestamp)(start)
		builder = call(call(builder.WithExpireAt)(time.Now().Add(time.Hour).Unix()).WithRecordIndex)(0)
		link := must(call(bucket.CreateQueryLink)(ctx, "picture", call(builder.Build)()))
		holds(strings.HasPrefix(link, url+"/api/v1/links/picture.jpg?"), link)
		status, content, header := fetch(link, "")
		equal([]any{status, content, header.Get("x-reduct-label-robot")}, []any{200, "0123456789", "anna"}, "answer")
		status, content, header = fetch(link, "bytes=2-4")
		equal([]any{status, content, header.Get("content-range")}, []any{206, "234", "bytes 2-4/10"}, "a part")
		builder = call(reductgo.NewQueryLinkOptionsBuilder().WithQueryOptions)(*when(condition{"&number": condition{"$eq": 3}}))
		builder = call(call(call(builder.WithRecordEntry)("imu").WithRecordTimestamp)(start + 3).WithBaseURL)(url)
		link = must(call(bucket.CreateQueryLinkMany)(ctx, []string{"imu", "camera-*"}, call(builder.Build)()))
		status, content, _ = fetch(link, "")
		equal([]any{status, content}, []any{200, "imu 3"}, "one of several entries")
	}},

	{"replications: create, get, list, change, remove", func() {
		bucket := drive("go-source")
		copied := must(call(client.CreateBucket)(ctx, "go-copy", nil))
		settings := model.ReplicationSettings{
			SrcBucket: "go-source", DstBucket: "go-copy", DstHost: url, DstToken: token, Entries: []string{"imu", "camera-*"}, DstPrefix: "robot/",
			When: condition{"&number": condition{"$gte": 10}}, Compression: model.ReplicationCompressionGzip,
		}
		done(call(client.CreateReplicationTask)(ctx, "go-task", settings))
		refused(call(client.CreateReplicationTask)(ctx, "go-task", settings), 409, "Replication 'go-task' already exists")
		detail := must(call(client.GetReplicationTask)(ctx, "go-task"))
		equal([]any{detail.Info.Name, detail.Info.Mode, detail.Info.IsProvisioned}, []any{"go-task", model.ReplicationModeEnabled, false}, "info")
		found := detail.Settings
		equal([]any{found.SrcBucket, found.DstBucket, found.Entries, found.DstPrefix, found.Compression, found.DstToken, fmt.Sprint(found.When)},
			[]any{"go-source", "go-copy", settings.Entries, "robot/", settings.Compression, "", "map[&number:map[$gte:10]]"}, "settings")
		listed := must(call(client.GetReplicationTasks)(ctx))
		holds(slices.ContainsFunc(listed, func(one model.ReplicationInfo) bool { return one.Name == "go-task" }), "not listed")
		done(write(bucket, "imu", start+10, "not wanted", labels{"number": 1}))
		done(write(bucket, "imu", start+11, "wanted", labels{"number": 10}))
		eventually(func() bool { return len(must(call(copied.GetEntries)(ctx))) > 0 }, "replication")
		eventually(func() bool { return len(times(call(copied.Query)(ctx, "robot/*", nil))) == 1 }, "replication")
		equal(everything(call(copied.Query)(ctx, "robot/*", nil)), []string{"robot/imu 11 wanted map[number:10]"}, "records copied")
		settings.Entries = []string{"imu"}
		done(call(client.UpdateReplicationTask)(ctx, "go-task", settings))
		done(call(client.SetReplicationMode)(ctx, "go-task", model.ReplicationModePaused))
		detail = must(call(client.GetReplicationTask)(ctx, "go-task"))
		equal([]any{detail.Settings.Entries, detail.Info.Mode}, []any{[]string{"imu"}, model.ReplicationModePaused}, "settings changed")
		done(call(client.RemoveReplicationTask)(ctx, "go-task"))
		refused(failed(call(client.GetReplicationTask)(ctx, "go-task")), 404, "Replication 'go-task' does not exist")
	}},

	{"lifecycles: create, get, list, change, remove", func() {
		drive("go-lifecycle")
		settings := model.LifecycleSettings{
			LifecycleType: model.LifecycleTypeDelete, Bucket: "go-lifecycle", Entries: []string{"camera-*"}, OlderThan: "2h", Interval: "10m",
			ProcessingInterval: "1d", When: condition{"&even": condition{"$eq": true}}, Mode: model.LifecycleModeDisabled,
		}
		done(call(client.CreateLifecycle)(ctx, "go-policy", settings))
		refused(call(client.CreateLifecycle)(ctx, "go-policy", settings), 409, "Lifecycle 'go-policy' already exists")
		detail := must(call(client.GetLifecycle)(ctx, "go-policy"))
		equal(*detail.Settings, settings, "settings")
		equal([]any{detail.Info.Name, detail.Info.LifecycleType, detail.Info.Mode, detail.Info.LastRun == nil},
			[]any{"go-policy", settings.LifecycleType, settings.Mode, true}, "info")
		listed := must(call(client.GetLifecycles)(ctx))
		holds(slices.ContainsFunc(listed, func(one model.LifecycleInfo) bool { return one.Name == "go-policy" }), "not listed")
		settings.OlderThan = "3h"
		done(call(client.UpdateLifecycle)(ctx, "go-policy", settings))
		done(call(client.SetLifecycleMode)(ctx, "go-policy", model.LifecycleModeDryRun))
		detail = must(call(client.GetLifecycle)(ctx, "go-policy"))
		equal([]any{detail.Settings.OlderThan, detail.Info.Mode}, []any{"3h", model.LifecycleModeDryRun}, "settings changed")
		settings.OlderThan = "1s"
		refused(call(client.CreateLifecycle)(ctx, "go-no", settings), 422, "Lifecycle older_than '1s' is shorter than minimum allowed value of 1h")
		done(call(client.RemoveLifecycle)(ctx, "go-policy"))
		refused(failed(call(client.GetLifecycle)(ctx, "go-policy")), 404, "Lifecycle 'go-policy' does not exist")
	}},

	{"errors: what is not there, wrong or forbidden", func() {
		// The text is the client's own: it asks by HEAD.
		refused(failed(call(client.GetBucket)(ctx, "none")), 404, "bucket 'none' not found")
		refused(failed(call(client.CreateBucket)(ctx, "a_$", nil)), 422, "Bucket or entry name can contain only letters, digests and [-,_] symbols")
		bucket := must(call(client.CreateBucket)(ctx, "go-errors", nil))
		done(write(&bucket, "a", 5, "x"))
		ts := int64(5)
		refused(failed(call(bucket.BeginRead)(ctx, "none", &ts)), 404, "Entry 'none' not found in bucket 'go-errors'")
		stranger := connect("wrong")
		refused(failed(call(stranger.GetInfo)(ctx)), 401, "Invalid token")
		nobody := connect("")
		holds(failed(call(nobody.GetBuckets)(ctx)) != nil, "nobody may list the buckets")
	}},
}

func fetch(link, part string) (int, string, http.Header) {
	request := must(http.NewRequest(http.MethodGet, link, nil))
	if part != "" {
		request.Header.Set("Range", part)
	}
	answer := must(http.DefaultClient.Do(request))
	defer answer.Body.Close()
	return answer.StatusCode, string(must(io.ReadAll(answer.Body))), answer.Header
}

// try runs a case and answers what was wrong, or nothing.
func try(run func()) string {
	result := make(chan string, 1)
	go func() {
		defer func() {
			switch thrown := recover().(type) {
			case nil:
				result <- ""
			case wrong:
				stack := make([]byte, 1<<14)
				lines := strings.Split(string(stack[:runtime.Stack(stack, false)]), "\n")
				at := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, "main.init.func") })
				where := ""
				if at >= 0 && at+1 < len(lines) {
					where = strings.TrimSpace(lines[at+1])
				}
				result <- string(thrown) + " (" + where + ")"
			default:
				result <- fmt.Sprint("panic: ", thrown)
			}
		}()
		run()
	}()
	select {
	case text := <-result:
		return text
	case <-time.After(30 * time.Second):
		return "not done after 30 s"
	}
}

func main() {
	skipped := map[string]bool{}
	for _, it := range cases {
		group, _, _ := strings.Cut(it.name, ":")
		if slices.Contains(later, group) {
			if !skipped[group] {
				fmt.Printf("SKIPPED %s: %s are not served yet\n", group, group)
			}
			skipped[group] = true
			continue
		}
		if text := try(it.run); text != "" {
			fmt.Printf("FAILED %s: %s\n", it.name, text)
		} else {
			fmt.Printf("ok %s\n", it.name)
		}
	}
	for name := range called {
		fmt.Println("called", name)
	}
	for _, kind := range []any{
		(*reductgo.Client)(nil), &reductgo.Bucket{}, &reductgo.Batch{}, &reductgo.RecordBatch{}, &reductgo.ReadableRecord{}, &reductgo.WritableRecord{},
		&reductgo.QueryResult{}, &reductgo.QueryOptionsBuilder{}, &reductgo.QueryLinkOptionsBuilder{}, &model.BucketSettingBuilder{},
	} {
		it := reflect.TypeOf(kind)
		name := it.Elem().Name()
		if it.Elem().Kind() == reflect.Interface {
			it = it.Elem()
		}
		for i := range it.NumMethod() {
			fmt.Println("public", name+"."+it.Method(i).Name)
		}
	}
}
