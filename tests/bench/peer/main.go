// SPDX-License-Identifier: GPL-2.0-or-later

// The benchmark's peer: what somebody would write in Go instead of running pingshot. The same
// routes on net/http and client_golang, counters only, HTTP and HTTPS on the kernel's TCP. It is
// meant to be ordinary good Go, neither tuned nor slowed: a peer that wastes time proves nothing.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// A family as POST /create and /update take it in JSON.
type familySpec struct {
	Name    string       `json:"name"`
	Help    string       `json:"help"`
	Type    string       `json:"type"`
	Metrics []sampleSpec `json:"metrics"`
}

type sampleSpec struct {
	Labels map[string]string `json:"labels"`
	Value  string            `json:"value"`
}

// metrics holds the counters that were created.
type metrics struct {
	mutex    sync.Mutex
	registry *prometheus.Registry
	counters map[string]*prometheus.CounterVec
}

// events keeps, for each scraper's address, the newest value of each label set that it has not
// fetched yet.
type events struct {
	mutex   sync.Mutex
	waiting map[string]map[string]string
	posted  atomic.Uint64
}

// read decodes a request's body: JSON (an object or an array of them) or exposition text.
func read(request *http.Request) ([]familySpec, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(request.Header.Get("Content-Type"), "application/json") {
		return readText(body)
	}
	if start := bytes.TrimLeft(body, " \t\r\n"); len(start) > 0 && start[0] == '[' {
		var families []familySpec
		err := json.Unmarshal(body, &families)
		return families, err
	}
	families := make([]familySpec, 1)
	err = json.Unmarshal(body, &families[0])
	return families, err
}

func readText(body []byte) ([]familySpec, error) {
	var parser expfmt.TextParser
	parsed, err := parser.TextToMetricFamilies(bytes.NewReader(append(body, '\n')))
	if err != nil {
		return nil, err
	}
	var families []familySpec
	for name, family := range parsed {
		spec := familySpec{Name: name, Help: family.GetHelp()}
		for _, metric := range family.Metric {
			value := metric.GetUntyped().GetValue()
			if metric.Counter != nil {
				value = metric.Counter.GetValue()
			}
			labels := make(map[string]string, len(metric.Label))
			for _, label := range metric.Label {
				labels[label.GetName()] = label.GetValue()
			}
			text := strconv.FormatFloat(value, 'g', -1, 64)
			spec.Metrics = append(spec.Metrics, sampleSpec{Labels: labels, Value: text})
		}
		families = append(families, spec)
	}
	return families, nil
}

func sortedNames(labels map[string]string) []string {
	names := make([]string, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// counter finds a family, or makes it when it may.
func (m *metrics) counter(
	spec *familySpec, names []string, mayCreate bool,
) (*prometheus.CounterVec, error) {
	if counter := m.counters[spec.Name]; counter != nil || !mayCreate {
		return counter, nil
	}
	options := prometheus.CounterOpts{Name: spec.Name, Help: spec.Help}
	counter := prometheus.NewCounterVec(options, names)
	if err := m.registry.Register(counter); err != nil {
		return nil, err
	}
	m.counters[spec.Name] = counter
	return counter, nil
}

// add applies one sample and writes the line as it now stands.
func (m *metrics) add(
	out *bytes.Buffer, spec *familySpec, sample *sampleSpec, mayCreate bool,
) error {
	names := sortedNames(sample.Labels)
	family, err := m.counter(spec, names, mayCreate)
	if err != nil {
		return err
	}
	if family == nil {
		return fmt.Errorf("no family %q", spec.Name)
	}
	counter, err := family.GetMetricWith(sample.Labels)
	if err != nil {
		return err
	}
	delta := 1.0
	if sample.Value != "" {
		if delta, err = strconv.ParseFloat(sample.Value, 64); err != nil {
			return err
		}
	}
	counter.Add(delta)

	var now dto.Metric
	if err := counter.Write(&now); err != nil {
		return err
	}
	out.WriteString(spec.Name)
	out.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(out, "%s=%q", name, sample.Labels[name])
	}
	out.WriteString("} ")
	out.WriteString(strconv.FormatFloat(now.Counter.GetValue(), 'g', -1, 64))
	out.WriteByte('\n')
	return nil
}

// apply is the handler of POST /create and POST /update.
func (m *metrics) apply(mayCreate bool) http.HandlerFunc {
	return func(response http.ResponseWriter, request *http.Request) {
		families, err := read(request)
		if err != nil {
			http.Error(response, err.Error(), http.StatusBadRequest)
			return
		}
		var out bytes.Buffer
		m.mutex.Lock()
		defer m.mutex.Unlock()
		for f := range families {
			for s := range families[f].Metrics {
				if err := m.add(&out, &families[f], &families[f].Metrics[s], mayCreate); err != nil {
					http.Error(response, err.Error(), http.StatusBadRequest)
					return
				}
			}
		}
		response.Write(out.Bytes())
	}
}

// post is the handler of POST /event: every known scraper gets the event, a later one with the
// same labels overwrites it.
func (e *events) post(response http.ResponseWriter, request *http.Request) {
	if err := request.ParseForm(); err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	value := 1.0
	labels := make([]string, 0, len(request.Form))
	for name, values := range request.Form {
		if name != "value" {
			labels = append(labels, name+"="+strconv.Quote(values[0]))
			continue
		}
		var err error
		if value, err = strconv.ParseFloat(values[0], 64); err != nil {
			http.Error(response, err.Error(), http.StatusBadRequest)
			return
		}
	}
	sort.Strings(labels)
	series := "events_to_metrics{" + strings.Join(labels, ",") + "}"
	text := strconv.FormatFloat(value, 'g', -1, 64)

	e.mutex.Lock()
	for _, waiting := range e.waiting {
		waiting[series] = text
	}
	scrapers := len(e.waiting)
	e.mutex.Unlock()
	number := e.posted.Add(1)
	fmt.Fprintf(response, "event %d queued for %d scrapers\n", number, scrapers)
}

// scrape is the handler of GET /events: what waits for this address, once.
func (e *events) scrape(response http.ResponseWriter, request *http.Request) {
	address, _, err := net.SplitHostPort(request.RemoteAddr)
	if err != nil {
		address = request.RemoteAddr
	}
	e.mutex.Lock()
	due := e.waiting[address]
	e.waiting[address] = map[string]string{}
	e.mutex.Unlock()

	var out bytes.Buffer
	fmt.Fprintf(&out, "# TYPE events_to_metrics_event_count counter\n"+
		"events_to_metrics_event_count %d\n", e.posted.Load())
	for series, value := range due {
		out.WriteString(series)
		out.WriteByte(' ')
		out.WriteString(value)
		out.WriteByte('\n')
	}
	response.Write(out.Bytes())
}

// A notification as Alertmanager sends it.
type notification struct {
	Version           string            `json:"version"`
	Receiver          string            `json:"receiver"`
	Status            string            `json:"status"`
	GroupKey          string            `json:"groupKey"`
	ExternalURL       string            `json:"externalURL"`
	TruncatedAlerts   uint64            `json:"truncatedAlerts"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	Alerts            []alert           `json:"alerts"`
}

type alert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// notified is the handler of POST /webhook: decodes the notification, keeps count of what fires
// and answers with it, indented.
func notified(requests prometheus.Counter, firing *prometheus.GaugeVec) http.HandlerFunc {
	return func(response http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			http.Error(response, err.Error(), http.StatusBadRequest)
			return
		}
		var received notification
		if err := json.Unmarshal(body, &received); err != nil {
			http.Error(response, err.Error(), http.StatusBadRequest)
			return
		}
		for _, a := range received.Alerts {
			name := a.Labels["alertname"]
			if a.Status == "firing" {
				firing.WithLabelValues(name, a.Fingerprint, received.Receiver).Set(1)
			} else {
				firing.DeleteLabelValues(name, a.Fingerprint, received.Receiver)
			}
		}
		requests.Inc()
		var out bytes.Buffer
		if err := json.Indent(&out, body, "", "    "); err != nil {
			http.Error(response, err.Error(), http.StatusBadRequest)
			return
		}
		response.Header().Set("Content-Type", "application/json")
		response.Write(out.Bytes())
	}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8090", "address and port")
	listenTLS := flag.String("listen-tls", "", "address and port of HTTPS; needs -cert and -key")
	certFile := flag.String("cert", "", "PEM file of the certificate")
	keyFile := flag.String("key", "", "PEM file of its key")
	flag.Parse()

	all := metrics{registry: prometheus.NewRegistry(), counters: map[string]*prometheus.CounterVec{}}
	once := events{waiting: map[string]map[string]string{}}
	pings := prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "ping_request_count", Help: "Pings received."},
		[]string{"path", "receiver"})
	webhooks := prometheus.NewCounter(
		prometheus.CounterOpts{Name: "peer_webhook_requests_total", Help: "Notifications taken."})
	firing := prometheus.NewGaugeVec(
		prometheus.GaugeOpts{Name: "peer_alert", Help: "An alert that fires."},
		[]string{"alertname", "fingerprint", "receiver"})
	all.registry.MustRegister(pings, webhooks, firing)

	http.HandleFunc("/ping", func(response http.ResponseWriter, request *http.Request) {
		query := request.URL.Query()
		pings.WithLabelValues(query.Get("path"), query.Get("receiver")).Inc()
		fmt.Fprintf(response, "PONG - %s\n", time.Now())
	})
	http.HandleFunc("/create", all.apply(true))
	http.HandleFunc("/update", all.apply(false))
	http.HandleFunc("/webhook", notified(webhooks, firing))
	http.HandleFunc("/event", once.post)
	http.HandleFunc("/events", once.scrape)
	exposition := promhttp.HandlerOpts{EnableOpenMetrics: true}
	http.Handle("/metrics", promhttp.HandlerFor(all.registry, exposition))
	if *listenTLS != "" {
		go func() {
			log.Fatal(http.ListenAndServeTLS(*listenTLS, *certFile, *keyFile, nil))
		}()
	}
	log.Fatal(http.ListenAndServe(*listen, nil))
}
