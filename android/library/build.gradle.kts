plugins {
    alias(libs.plugins.android.library)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "org.bedside.android"
    compileSdk = 36

    defaultConfig {
        // Android 11: the phone's own biometric dialogue, and keys that only a strong proof opens.
        minSdk = 30
        consumerProguardFiles("consumer-rules.pro")
    }

    // `cargo xtask android` fills src/main/jniLibs and src/generated.
    sourceSets["main"].kotlin.srcDirs("src/shared/kotlin", "src/platform/kotlin", "src/main/kotlin", "src/generated/kotlin")

    packaging {
        // Mapped straight from the APK, where the loader needs pages of 16 KB.
        jniLibs.useLegacyPackaging = false
    }

    testOptions.unitTests.all { it.useJUnitPlatform() }
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    api(libs.coroutines.android)
    implementation(variantOf(libs.jna) { artifactType("aar") })
    implementation(libs.lifecycle.process)
    implementation(libs.work)

    testImplementation(libs.jna)
    testImplementation(libs.junit)
    testImplementation(libs.coroutines.test)
    // Before the SDK's stubs, which throw.
    testImplementation(libs.android.all)
    testRuntimeOnly(libs.junit.launcher)
}
