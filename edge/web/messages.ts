/**
 * Every text that a reader of the page sees, so that it can be translated by writing one more file like it. What the server says
 * (a failure's `detail`, titles of devices, names of packages) is data and shown as it is.
 */
export const MESSAGES = {
  shell: {
    title: 'Attended Sysupgrade',
    skip: 'Skip to the content',
    views: 'Views',
    build: 'Build an image',
    check: 'Check for upgrades',
    status: 'Status',
    lend: 'Lend a machine',
    api: 'API',
    loading: 'Loading …',
    broken: 'This part of the page could not be loaded. Reload to try again.',
    unknown: 'There is no such page.',
    home: 'Build an image',
  },
  server: {
    unreachable: 'The server does not answer. It is asked again as soon as it can be reached.',
    refused: (status: number): string => `The server answered with an error (${status}).`,
    strange: 'Something other than this server answered. Are you behind a login page of a network?',
  },
  builder: {
    lead: 'Firmware for your router, with the packages that you choose already in it.',
    again: 'It is asked again until it answers.',
    askNow: 'Ask now',
    version: {
      label: 'Version',
      releases: 'Releases',
      snapshots: 'Snapshots, changing every day',
      stable: (version: string): string => `${version} (recommended)`,
      unknown: (version: string): string => `This server does not offer version “${version}”. Choose another one.`,
      none: 'The server offers no version now.',
    },
    device: {
      label: 'Device',
      hint: 'Type a part of its name, as it stands on the box.',
      placeholder: 'for example Archer C7',
      counted: (found: number, shown: number): string =>
        found === 0
          ? 'No device is called so. Try fewer letters, or another version.'
          : found === 1
            ? '1 device'
            : found > shown
              ? `${found} devices, the first ${shown} are shown`
              : `${found} devices`,
      needed: 'Choose a device first.',
      absent: (name: string, version: string): string =>
        `${version} has no device “${name}”. Choose another version, or another device.`,
      empty: 'Choose a device, and its packages are shown here.',
      unlisted: 'The names of devices cannot be had now.',
    },
    packages: {
      title: 'Packages',
      label: 'Add a package',
      hint: 'Type a part of its name. Several names may be pasted at once, with spaces between.',
      counted: (found: number, shown: number): string =>
        found === 0
          ? 'No package is called so. Enter adds the name all the same.'
          : found === 1
            ? '1 package'
            : found > shown
              ? `${found} packages, the first ${shown} are shown`
              : `${found} packages`,
      loading: 'The list of packages is being fetched …',
      unlisted: 'The list of packages cannot be had now. Names can be typed all the same.',
      added: 'Added by you',
      noneAdded: 'None yet. The packages below are on the device anyway.',
      defaults: (count: number): string => `On the device anyway (${count})`,
      defaultsHint: 'Remove only what you know: without some of them a router cannot be reached.',
      removed: 'Removed by you',
      remove: (name: string): string => `Remove ${name}`,
      restore: (name: string): string => `Keep ${name}`,
      use: (name: string): string => `Use ${name}`,
      included: (names: readonly string[]): string =>
        names.length === 1
          ? `On the device anyway, so nobody needs to add it: ${names[0]}`
          : `On the device anyway, so nobody needs to add them: ${names.join(', ')}`,
      dropIncluded: (count: number): string => (count === 1 ? 'Take it off the list' : 'Take them off the list'),
      malformed: 'Some of these are no names of packages. Remove them, or write them anew.',
      tooMany: (most: number): string => `More than ${most} packages cannot be asked for.`,
      note: {
        renamed: (to: string): string => `is called ${to} in this version`,
        gone: 'does not exist any more in this version; it is left out',
        unknown: 'is in no list of this version; the build may fail',
        malformed: 'is no name of a package',
        absent: 'is not on the device anyway, so there is nothing to remove',
      },
    },
    options: {
      title: 'More options',
      fileSystem: 'File system',
      everyFileSystem: 'All that the device has',
      rootfs: 'Size of the root file system (MiB)',
      rootfsHint: (most: number): string =>
        `Only for devices with a disk or a card. 1 to ${most}; empty: as upstream has it.`,
      rootfsWrong: (most: number): string => `Write a whole number from 1 to ${most}, or nothing.`,
      script: 'First-boot script',
      scriptHint:
        'A shell script that the device runs once, when it starts for the first time. It is sealed until the image is built, erased then, and never shown again. The image that holds it is removed after a day, unless who runs this server chose another time; whoever has its address can fetch it until then. Reloading this page forgets the script.',
      scriptOff: 'This server takes no first-boot scripts.',
      scriptBytes: (bytes: number, most: number): string => `${bytes} of ${most} bytes`,
      scriptTooLong: (bytes: number, most: number): string =>
        `The script is too long: ${bytes} bytes, and ${most} are allowed.`,
    },
    summary: {
      title: 'Your image',
      version: 'Version',
      device: 'Device',
      noDevice: 'none yet',
      packages: 'Packages',
      changes: (added: number, removed: number): string =>
        added + removed === 0
          ? 'as upstream has them'
          : [added > 0 && `${added} added`, removed > 0 && `${removed} removed`].filter(Boolean).join(', '),
      build: 'Build',
      asking: 'Asking …',
      stop: 'Stop',
      refused: 'This image cannot be built',
    },
    build: {
      of: (version: string, target: string): string => `OpenWrt ${version} · ${target}`,
      loading: 'Looking for this build …',
      unknown: 'No such build is known here. It may have been removed, or the address is not whole.',
      toForm: 'Choose an image',
      change: 'Change the selection',
      steps: 'Steps',
      words: {
        queue: 'Waiting for a machine',
        prepare: 'Getting the ImageBuilder',
        check: 'Checking the packages',
        make: 'Making the image',
        store: 'Storing the image',
      },
      past: 'done',
      current: 'now',
      next: (ahead: number): string =>
        ahead === 0
          ? 'In the queue: it is the next one.'
          : ahead === 1
            ? 'In the queue: one build is before it.'
            : `In the queue: ${ahead} builds are before it.`,
      running: (step: string): string => `${step} …`,
      eta: (minutes: number | null): string =>
        minutes === null
          ? 'Less than a minute to go.'
          : minutes === 1
            ? 'About a minute to go.'
            : minutes < 90
              ? `About ${minutes} minutes to go.`
              : `About ${Math.round(minutes / 60)} hours to go.`,
      transfer: (done: string, all: string): string => `${done} of ${all} fetched`,
      stay: 'You can close this page: the build goes on, and its address leads back here.',
      log: 'Log of the build',
      noLog: 'Nothing yet.',
    },
    result: {
      ready: 'Your image is ready.',
      files: 'Files',
      download: 'Download',
      downloadOf: (name: string): string => `Download ${name}`,
      sha256Of: (name: string): string => `sha256 of ${name}`,
      manifest: (count: number): string => `Packages in it (${count})`,
      package: 'Package',
      packageVersion: 'Version',
      other: { title: 'Other file', text: 'Read the device’s page in the OpenWrt wiki before you use it.' },
      /** By `type` of an image: what it is for, for somebody who has never flashed anything. */
      types: {
        sysupgrade: {
          title: 'Upgrade',
          text: 'For a device that runs OpenWrt already. Its settings can be kept.',
        },
        factory: {
          title: 'First installation',
          text: 'For a device that still runs its maker’s firmware: upload it on the maker’s own upgrade page.',
        },
        combined: {
          title: 'Whole disk',
          text: 'For a PC or a virtual machine that starts by BIOS. It replaces all of the disk.',
        },
        'combined-efi': {
          title: 'Whole disk (EFI)',
          text: 'For a PC or a virtual machine that starts by UEFI. It replaces all of the disk.',
        },
        sdcard: { title: 'Memory card', text: 'Written to a memory card from which the device starts.' },
        emmc: { title: 'Built-in memory', text: 'Written to the built-in eMMC memory.' },
        rootfs: {
          title: 'Root file system',
          text: 'A part alone, for containers and for those who write partitions by hand.',
        },
        kernel: { title: 'Kernel', text: 'A part alone, for devices whose boot loader wants it apart.' },
        recovery: { title: 'Recovery', text: 'To bring back a device that does not start any more.' },
        preloader: {
          title: 'Boot loader, first part',
          text: 'Only for a change of the boot loader. A wrong one makes the device unusable.',
        },
        'bl31-uboot': {
          title: 'Boot loader',
          text: 'Only for a change of the boot loader. A wrong one makes the device unusable.',
        },
        uboot: {
          title: 'Boot loader',
          text: 'Only for a change of the boot loader. A wrong one makes the device unusable.',
        },
        initramfs: {
          title: 'In memory only',
          text: 'Runs without being written; for a first installation or a rescue.',
        },
      } as Readonly<Record<string, { readonly title: string; readonly text: string }>>,
    },
    trust: {
      title: 'Who vouches for it',
      built: (operators: number): string =>
        operators === 1 ? 'Built by 1 operator' : `Built by ${operators} independent operators`,
      sameBytes: 'Each of them made the same bytes.',
      trusted: 'a machine of who runs this server',
      volunteer: 'a volunteer’s machine',
      node: (id: string): string => `Node ${id}`,
      signed: 'What they signed',
      verify: 'Check a downloaded file yourself',
      rebuild: 'Make the same image at home',
      rebuildCommands: 'the commands that make it',
      rebuildHint: 'On a Linux machine. The digest says that the ImageBuilder is the same one.',
      script: 'With your first-boot script as files/etc/uci-defaults/99-asu-defaults.',
      private:
        'This image holds a first-boot script. It is removed after a while, and whoever has this address can fetch it until then.',
      unsigned: 'Nothing is signed of this image.',
      loading: 'Asking who made it …',
    },
    failure: {
      title: 'The image could not be built',
      detail: 'In the server’s words',
      output: 'What make printed',
      later: 'Try again',
      /** By `error_kind`, of a list that may grow: what is not here is told by the server's own sentence. */
      kinds: {
        unknown_package: {
          title: 'A package does not exist in this version.',
          todo: 'Remove it, or look whether it has another name in this version.',
        },
        conflict: {
          title: 'Some of the packages exclude each other.',
          todo: 'Remove one of those that are named below. Often it replaces a package that is on the device anyway: then remove that one.',
        },
        version_mismatch: {
          title: 'A package has another version by now.',
          todo: 'Go back to the selection and build again.',
        },
        revision_changed: {
          title: 'This snapshot has been rebuilt meanwhile.',
          todo: 'Go back to the selection and build again: you get the new one.',
        },
        image_too_big: {
          title: 'The packages do not fit into the memory of this device.',
          todo: 'Remove some of those that you added, the largest first, or some of those that are on it anyway.',
        },
        no_sysupgrade: {
          title: 'No image came out for this device.',
          todo: 'Often it is too large for the device: remove some packages. Or ask for all file systems.',
        },
        build_failed: {
          title: 'Making the image failed.',
          todo: 'The last lines of what make printed mostly say why. Often one package is broken: try without those that you added last.',
        },
        unsupported: {
          title: 'This server does not build such an image.',
          todo: 'Choose another version or another device.',
        },
        invalid_request: {
          title: 'Something in the selection is not as it should be.',
          todo: 'What it is stands beside the field.',
        },
        bad_request: { title: 'The server cannot serve this selection.', todo: 'Its own words say why.' },
        body_too_large: { title: 'The selection is too large.', todo: 'Shorten the list of packages, or the script.' },
        upstream_unavailable: {
          title: 'The server of OpenWrt does not answer as it should.',
          todo: 'That is no fault of yours. Try again in some minutes.',
        },
        node_lost: {
          title: 'The machines that tried it were lost.',
          todo: 'That is no fault of yours. Try again.',
        },
        timeout: {
          title: 'It took too long on every machine that tried.',
          todo: 'That is no fault of yours. Try again.',
        },
        disk_full: {
          title: 'The machines that tried it have no room left.',
          todo: 'That is no fault of yours. Try again later.',
        },
        upload_failed: {
          title: 'The finished image could not be stored.',
          todo: 'That is no fault of yours. Try again.',
        },
        internal: { title: 'Something went wrong in the server.', todo: 'That is no fault of yours. Try again.' },
        cancelled: { title: 'The build was cancelled before it was done.', todo: 'Try again, if you still want it.' },
        queue_full: { title: 'Too many builds wait already.', todo: 'Try again in some minutes.' },
        too_many_requests: { title: 'Too much was asked from your network.', todo: 'Wait a minute, then try again.' },
      } as Readonly<Record<string, { readonly title: string; readonly todo: string }>>,
    },
  },
  copy: {
    copy: 'Copy',
    copyThis: (what: string): string => `Copy: ${what}`,
    copied: 'Copied',
    selected: 'Selected: copy it with your keyboard',
  },
  check: {
    intro:
      'Paste what your router says of itself, and see what is newer and what becomes of its packages. Nothing of it is kept.',
    boardTitle: 'What it is',
    boardHow: 'Type this on the router, and paste here what it prints:',
    boardLabel: 'Answer of ubus call system board',
    packagesTitle: 'What is installed',
    packagesHow:
      'The list of packages; with the second command where the first is not known (25.12 and later). Without a list only versions are compared.',
    packagesLabel: 'List of packages (optional)',
    submit: 'What is newer?',
    asking: 'Asking the server …',
    readBoard: (device: string, version: string, target: string): string => `${device}, ${version}, ${target}`,
    readPackages: (n: string): string => `${n} packages`,
    faults: {
      empty: 'Paste the answer of “ubus call system board” first.',
      long: (max: string): string =>
        `This is longer than ${max} characters, and no such answer. Paste the output of the one command.`,
      noJson:
        'This is not what “ubus call system board” prints: that begins with { and ends with }. Was all of it copied?',
      noBoard: (field: string): string =>
        `This is not what “ubus call system board” prints: “${field}” is missing in it, or is no such word.`,
      list: (where: string, message: string): string => (where === '' ? message : `${where}: ${message}`),
      many: (max: string, got: string): string => `An image can have at most ${max} packages, and these are ${got}.`,
    },
    nothing: {
      title: 'Nothing is newer',
      text: (version: string): string => `${version} is the newest version for this router.`,
      packagesText: (version: string): string =>
        `${version} is the newest version for this router, and all of its packages are the newest too.`,
    },
    newer: {
      title: (version: string): string => `${version} is there`,
      text: (installed: string): string => `The router runs ${installed}.`,
      sameTitle: (n: string): string => `Newer packages: ${n}`,
      sameText: (version: string): string =>
        `${version} is still the newest version, but some of its packages are newer.`,
      carried: (n: string): string => `${n} packages are carried over into the new image.`,
      build: 'Choose this image',
      buildNote: 'You can change everything there before it is built.',
      noDevice: (board: string): string =>
        `The server knows no image of this version for “${board}”. You can look for the device yourself.`,
    },
    changes: {
      renamed: 'Under another name',
      was: 'Installed',
      becomes: 'In the new version',
      gone: 'Not there any more',
      goneNote: 'The new version has no such package, or something else of it does the same. These are left out.',
      removed: 'Left out, as on your router',
      removedNote: 'The image would come with these, and you have removed them.',
      added: 'New with this version',
      newer: (n: string): string => `${n} packages get newer`,
      name: 'Package',
    },
    unknown: {
      title: 'Unknown packages',
      text: 'The server knows these neither of the installed version nor of the new one. Were they built or added by hand? They cannot be in the new image.',
      go: 'Go on without them',
    },
    failed: {
      title: 'That could not be found out',
      unreachable: 'The server does not answer. Nothing is lost here: try again in a moment.',
      again: 'Try again',
    },
  },
  lend: {
    intro:
      'Images are built by machines that people lend. A Linux machine (x86_64) that is on now and then is enough. It connects out, so it needs no open port and no address of its own.',
    token: {
      title: '1. Have a token',
      text: 'Whoever runs this server gives you one. It lets one machine join, once, within some days. It also says what the machine is: a volunteer, as strangers are, or trusted.',
      contact: 'Ask:',
    },
    look: {
      title: '2. Look whether the machine is fit',
      text: 'This changes nothing, builds a small image as a proof, and says what is missing:',
      checkout: 'In a checkout of this software, after “npm ci”, write this for “asu”:',
    },
    join: {
      title: '3. Start it',
      text: 'With your token in the place of TOKEN. From the second start on it is not needed:',
      name: 'It is called what the machine is called, for everybody to see; “--name” gives it another name.',
    },
    costs: {
      title: 'What it costs',
      less: 'To give less:',
      rows: [
        [
          'Disk',
          'Half of what is free at the first start: at least 5 GiB, at most 100 GiB. 1 GiB stays free whatever happens.',
          '--disk-budget 20G',
        ],
        ['Memory', 'At most three quarters, shared by the builds: 512 MiB to 4 GiB for each.', '--build-memory 1G'],
        [
          'Processors',
          'As many builds at once as there are processors, or GiB of memory if these are fewer.',
          '--slots 1',
        ],
        [
          'Traffic',
          'An ImageBuilder for each target and version (at most 1 GiB) and the packages, which it keeps while there is room; and each image that it built, which is sent here.',
          null,
        ],
      ],
    },
    may: {
      title: 'What it gets to see',
      rows: [
        'The version, the device and the packages of each image that it builds. Not who asked for it.',
        'What it is called, how many builds it runs and how many images it made is on the status page. Where it stands is not.',
        'What it made is signed with a key of its own, which never leaves it. The signatures are public.',
      ],
    },
    mayNot: {
      title: 'What it does not get',
      rows: [
        'Private builds: those with a first-boot script, which may hold passwords, go to trusted machines alone.',
        'Package feeds of strangers, unless you name those that it may fetch from.',
        'A say of its own: what a volunteer made is published only when machines of other owners made the very same bytes, or a trusted one did.',
        'Your files or your network: each build runs in a fence, with its own tree and its packages and nothing else. Where that is not possible it does not start.',
        'A key of this server, or of its store.',
      ],
    },
    stop: {
      title: 'How to stop',
      text: 'Ctrl-C. It hands back what it builds, and others build that; a second Ctrl-C ends it at once. To have all of it gone, remove its directory:',
    },
  },
  status: {
    asking: 'Asking the server …',
    stale: (time: string, problem: string): string => `This is what the server said at ${time}. Since then: ${problem}`,
    table: 'As a table',
    noChart: 'The chart could not be loaded. The table has all of it.',
    nothingYet: 'Nothing yet. It fills as images are asked for.',
    more: (left: string): string => `Show more (${left} left)`,
    found: (n: string, of: string): string => `${n} of ${of}`,
    none: 'Nothing fits.',
    health: {
      up: 'Everything works',
      degraded: 'It works, but not all of it',
      down: 'It does not work at the moment',
      upText: 'Images that exist are handed out, and new ones are built.',
      noNodes: 'Images that exist are handed out. New ones wait, since no machine is here that builds.',
      noUpstream: 'Images that exist are handed out. What is new upstream is not seen at the moment.',
      downText: 'Requests cannot be answered. Nothing is lost, and this page looks again by itself.',
      parts: 'Parts',
      part: 'Part',
      state: 'State',
      partUp: 'up',
      partDown: 'down',
      names: {
        kv: 'Memory of answers',
        object_store: 'Store of images',
        foreman: 'Queue of builds',
        upstream: 'Upstream',
        nodes: 'Machines that build',
      },
      machines: (n: string): string => `${n} here`,
    },
    figures: {
      title: 'Now',
      waiting: 'Builds waiting',
      noneWaiting: 'nobody waits',
      running: 'Building now',
      ofSlots: (slots: string): string => `of ${slots} at once`,
      wait: 'A new image takes',
      waitNote: 'by the last images and this queue',
      nobody: 'no machine is here',
      unknown: 'nothing to tell it by yet',
      hits: 'Answered at once',
      hitsNote: 'of all requests in 30 days',
      images: 'Images built',
      imagesNote: 'in 24 hours',
      machines: 'Machines here',
      ofMachines: (n: string): string => `of ${n} seen within a day`,
    },
    perDay: {
      title: 'Requests by day',
      day: 'Day (UTC)',
      names: { Requests: 'Requests', 'Cache-Hits': 'Answered at once', Failures: 'Failures' },
      summary: (requests: string, hits: string, failures: string): string =>
        `In 30 days ${requests} requests, of which ${hits} were answered at once with an image that was there. ${failures} builds failed.`,
    },
    byVersion: {
      title: 'Images by version',
      day: 'Week from (UTC)',
      others: 'Others',
      summary: (images: string, first: string): string =>
        `In 26 weeks ${images} images were handed out, most of them of ${first}.`,
    },
    packages: {
      title: 'Packages',
      name: 'Package',
      count: 'Images',
      note: 'Of images in 30 days, most asked for first. What hardly anybody asks for is not told.',
      search: 'Find a package',
    },
    targets: {
      title: 'Targets',
      name: 'Target',
      count: 'Images',
      time: 'A build takes',
      note: 'Of images in 30 days, most asked for first.',
      search: 'Find a target',
    },
    nodes: {
      title: 'Machines',
      note: 'Each was heard of within a day, and is called what its owner calls it.',
      none: 'No machine was heard of within a day. Images that exist are handed out all the same.',
      lend: 'Lend one',
      name: 'Name',
      state: 'State',
      load: 'Builds',
      images: 'Images made',
      search: 'Find a machine',
      tiers: { trusted: 'trusted', volunteer: 'volunteer' },
      states: {
        building: 'builds',
        ready: 'ready',
        away: 'away',
        draining: 'gets no new builds',
        quarantined: 'not believed',
      },
      loadOf: (running: string, slots: string): string => `${running} of ${slots}`,
    },
    reproducibility: {
      title: 'Reproducibility',
      note: 'Whether machines of different owners make the same image, byte for byte, of the same request. Only where they do may volunteers build.',
      none: 'Nothing was built by two owners yet.',
      summary: (known: string, all: string): string =>
        `${known} of ${all} measured targets come out the same wherever they are built.`,
      target: 'Target',
      version: 'Version',
      verdict: 'The same?',
      agreed: 'Equal',
      differed: 'Different',
      known: 'yes',
      notKnown: 'not known yet',
      differs: 'no',
      search: 'Find a target',
    },
    failures: {
      title: 'Builds that failed lately',
      note: 'Nothing in it tells who asked.',
      none: 'None failed lately.',
      rare: 'a device that hardly anybody asks for',
      when: 'When',
      what: 'Device',
      why: 'Why',
      search: 'Find a failure',
    },
  },
} as const;
