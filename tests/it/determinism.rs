//! The same input gives the same report, byte for byte, whatever the number of threads.

use vitalsign::report::list::List;

use crate::samples;

#[test]
fn one_thread_and_eight_give_the_same_list() {
    for image in samples::images() {
        let [one, eight] = [1, 8].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let found = samples::unpack_file(&image);
                serde_json::to_string(&List::new(&found)).unwrap()
            })
        });
        assert_eq!(one, eight, "{}", image.display());
    }
}
