// Command kubernetes is a Kubernetes control plane in one file: it acts as the component that its first argument names.
//
// Each component is a process of its own: in one process their global flags, metrics and feature gates would clash. A
// process ends with its standard input: whoever started it holds the other end of the pipe, and when that process ends,
// however it ends, nothing is left behind.
package main

import (
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	_ "time/tzdata" // time zones of CronJobs

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kwokconfig "sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/cmd"
	kwoklog "sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/signals"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("name a component: etcd, kube-apiserver, kube-controller-manager, kube-scheduler or kwok"))
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	// The components read their flags from here.
	os.Args = os.Args[1:]
	switch os.Args[0] {
	case "etcd":
		fail(runEtcd())
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	case "kube-scheduler":
		os.Exit(cli.Run(scheduler.NewSchedulerCommand()))
	case "kwok":
		fail(runKwok())
	default:
		fail(fmt.Errorf("there is no component %q", os.Args[0]))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// runEtcd serves one member that forgets everything when the machine goes down: nothing is synced to the disk.
func runEtcd() error {
	flags := flag.NewFlagSet("etcd", flag.ExitOnError)
	folder := flags.String("data-dir", "", "folder of the data")
	clients := flags.String("listen-client-urls", "", "address for clients")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	address, err := url.Parse(*clients)
	if err != nil {
		return err
	}
	// No other member ever connects, so any port will do.
	peers := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config := embed.NewConfig()
	config.Dir = *folder
	config.LogLevel = "warn"
	config.UnsafeNoFsync = true
	config.ListenClientUrls = []url.URL{*address}
	config.AdvertiseClientUrls = config.ListenClientUrls
	config.ListenPeerUrls = []url.URL{peers}
	server, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	return <-server.Err()
}

// runKwok is what kwok's own main does, without the flags that the packages of Kubernetes have put on every command line.
func runKwok() error {
	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	pflag.CommandLine = flags
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	ctx, _ := kwoklog.InitFlags(signals.SetupSignalContext(), flags)
	ctx, err := kwokconfig.InitFlags(ctx, flags)
	if err != nil {
		return err
	}
	command := kwok.NewCommand(ctx)
	command.PersistentFlags().AddFlagSet(flags)
	return command.ExecuteContext(ctx)
}
